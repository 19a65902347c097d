//! The listener, and connections that can be broken on purpose.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures_util::task::AtomicWaker;
use http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The task that accepts connections, and the way to end it.
#[derive(Debug)]
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
    connections: Arc<Connections>,
}

impl Server {
    pub(crate) fn spawn(listener: Doorway, router: axum::Router, idle_limit: Duration) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let connections = Arc::new(Connections::default());
        if let Err(error) = watch(&connections, idle_limit) {
            tracing::warn!(%error, "requests that are never sent to their end will not be timed out");
        }
        let listener = LoopbackListener { door: listener, connections: Arc::clone(&connections) };
        let service = router.into_make_service_with_connect_info::<Connection>();
        let task = tokio::spawn(async move {
            let until_stopped = async move {
                // An error means that the handle is gone, which is a stop as well.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            let served = axum::serve(listener, service).with_graceful_shutdown(until_stopped);
            if let Err(error) = served.await {
                tracing::error!(%error, "the local workspace stopped serving");
            }
        });
        Self { stop, task: Some(task), connections }
    }

    /// Stops accepting and breaks what is open.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
        self.connections.break_all();
    }

    /// As [`stop`](Self::stop), and waits until the port is free.
    pub(crate) async fn shutdown(&mut self) {
        self.stop();
        let Some(task) = self.task.take() else { return };
        let abort = task.abort_handle();
        // Broken connections end at once; the limit is for one accepted in the very moment of the stop.
        if tokio::time::timeout(Duration::from_secs(5), task).await.is_err() {
            abort.abort();
        }
    }
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Connections(Mutex<Vec<Weak<Switch>>>);

impl Connections {
    fn add(&self, switch: &Arc<Switch>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|s| s.strong_count() > 0);
        all.push(Arc::downgrade(switch));
    }

    fn break_silent(&self, limit: Duration) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for switch in all.iter().filter_map(Weak::upgrade) {
            let since = *switch.half_sent.lock().unwrap_or_else(PoisonError::into_inner);
            if since.is_some_and(|at| at.elapsed() >= limit) {
                switch.break_now();
            }
        }
    }

    fn break_all(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for switch in all.iter().filter_map(Weak::upgrade) {
            switch.break_now();
        }
    }
}

/// Breaks connections on which the rest of a request stays out for `limit`, on a thread of its own.
///
/// The clock is the machine's: tests pause Tokio's, and a client that sends no data does not depend on that.
fn watch(connections: &Arc<Connections>, limit: Duration) -> io::Result<()> {
    let connections = Arc::downgrade(connections);
    let pause = (limit / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
    let body = move || {
        while let Some(connections) = connections.upgrade() {
            connections.break_silent(limit);
            drop(connections);
            std::thread::sleep(pause);
        }
    };
    std::thread::Builder::new().name("databricks-local-idle".to_owned()).spawn(body).map(drop)
}

/// A port, and what happens to the connections that come in there.
#[derive(Debug)]
pub(crate) struct Doorway {
    pub(crate) listener: TcpListener,
    /// Encrypts; without it, connections are plain.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::SelfSigned>,
}

impl Doorway {
    fn open(&self, stream: TcpStream) -> Transport {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Transport::Encrypted(tls.accept(stream));
        }
        Transport::Plain(stream)
    }
}

/// What carries the bytes of a connection.
#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Encrypted(crate::tls::Encrypted),
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(feature = "tls")]
            Self::Encrypted(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(feature = "tls")]
            Self::Encrypted(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(feature = "tls")]
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(feature = "tls")]
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

struct LoopbackListener {
    door: Doorway,
    connections: Arc<Connections>,
}

impl Listener for LoopbackListener {
    type Io = Breakable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // Axum's own implementation waits out the errors of `accept`.
        let (stream, peer) = Listener::accept(&mut self.door.listener).await;
        // Small responses should not wait for a full segment; the connection works without it too.
        let _ = stream.set_nodelay(true);
        let switch = Arc::new(Switch::default());
        self.connections.add(&switch);
        (Breakable { stream: self.door.open(stream), switch }, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.door.listener.local_addr()
    }
}

/// What breaks a connection from a handler that runs on it.
#[derive(Debug)]
struct Switch {
    broken: AtomicBool,
    /// Bytes that may still be written, `usize::MAX` for all.
    budget: AtomicUsize,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// When the last bytes of a request came that is not complete.
    half_sent: Mutex<Option<Instant>>,
    /// Whether it is one of HTTP/2, on which bytes come that are not a request's: pings, windows, settings.
    multiplexed: AtomicBool,
    /// How many requests are being read.
    reading: AtomicUsize,
}

impl Default for Switch {
    fn default() -> Self {
        Self {
            broken: AtomicBool::new(false),
            budget: AtomicUsize::new(usize::MAX),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            half_sent: Mutex::new(None),
            multiplexed: AtomicBool::new(false),
            reading: AtomicUsize::new(0),
        }
    }
}

impl Switch {
    fn break_now(&self) {
        self.broken.store(true, Ordering::SeqCst);
        self.reader.wake();
        self.writer.wake();
    }

    /// Notes that bytes came.
    fn received(&self) {
        if !self.multiplexed.load(Ordering::SeqCst) || self.reading.load(Ordering::SeqCst) > 0 {
            *self.half_sent.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Notes that the requests which came are here to their end, if that is so.
    fn complete(&self) {
        if self.reading.load(Ordering::SeqCst) == 0 {
            *self.half_sent.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        }
        Ok(())
    }
}

/// The connection that a request came on.
#[derive(Clone, Debug)]
pub(crate) struct Connection(Arc<Switch>);

impl Connection {
    /// Notes that a request of this version of HTTP is being read, until what it returns is dropped.
    pub(crate) fn reading(&self, version: Version) -> Reading {
        if version == Version::HTTP_2 {
            self.0.multiplexed.store(true, Ordering::SeqCst);
        }
        self.0.reading.fetch_add(1, Ordering::SeqCst);
        Reading(Arc::clone(&self.0))
    }

    /// Notes that no more is expected of a request that was responded to.
    pub(crate) fn request_is_complete(&self) {
        self.0.complete();
    }

    /// Lets `bytes` more bytes out, then closes. With 0 the client gets no response at all.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.0.budget.store(bytes, Ordering::SeqCst);
    }
}

/// A request that is being read.
#[derive(Debug)]
pub(crate) struct Reading(Arc<Switch>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.reading.fetch_sub(1, Ordering::SeqCst);
        self.0.complete();
    }
}

impl Connected<IncomingStream<'_, LoopbackListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, LoopbackListener>) -> Self {
        Self(Arc::clone(&stream.io().switch))
    }
}

/// A stream that fails once its switch states so.
#[derive(Debug)]
pub(crate) struct Breakable {
    stream: Transport,
    switch: Arc<Switch>,
}

impl AsyncRead for Breakable {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.switch.reader.register(cx.waker());
        this.switch.check()?;
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.switch.received();
        }
        polled
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.switch.writer.register(cx.waker());
        this.switch.check()?;
        let budget = this.switch.budget.load(Ordering::SeqCst);
        if budget == 0 && !buf.is_empty() {
            this.switch.break_now();
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
        }
        let allowed = &buf[..buf.len().min(budget)];
        let written = std::task::ready!(Pin::new(&mut this.stream).poll_write(cx, allowed))?;
        if budget != usize::MAX {
            this.switch.budget.store(budget - written, Ordering::SeqCst);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
