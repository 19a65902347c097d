//! What a caller sets for a wait, and what the caller sees of it.

use std::time::Duration;

/// One poll of what is waited for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Progress<'a, T, S: ?Sized> {
    /// The state, such as `PENDING`: an enum of the API, which shows itself as on the wire. That of a long-running
    /// operation is an [`LroState`](crate::LroState), since the API has none.
    pub state: &'a S,
    /// The whole response.
    pub resource: &'a T,
    /// The time since the wait began.
    pub elapsed: Duration,
}

pub(crate) type OnProgress<T, S> = Box<dyn FnMut(Progress<'_, T, S>) + Send>;

/// How the pauses between polls grow: by a step each time up to the longest one, plus up to a step at random.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    step: Duration,
    longest: Duration,
}

impl Pace {
    /// For what takes minutes: a second more each time, up to ten.
    pub(crate) const STEADY: Self = Self { step: Duration::from_secs(1), longest: Duration::from_secs(10) };
    /// For what may be done at once or take hours: a tenth of a second more each time, up to five seconds.
    #[cfg(any(feature = "compute", feature = "sql"))]
    pub(crate) const QUICK: Self = Self { step: Duration::from_millis(100), longest: Duration::from_secs(5) };

    /// The same pause each time.
    pub(crate) const fn every(interval: Duration) -> Self {
        Self { step: Duration::ZERO, longest: interval }
    }

    /// The pause after poll `n`, counted from 1.
    pub(super) fn pause(self, n: u32) -> Duration {
        if self.step.is_zero() {
            return self.longest;
        }
        self.step.saturating_mul(n).min(self.longest) + self.step.mul_f64(fastrand::f64())
    }
}

/// What a caller sets for a wait.
pub(crate) struct PollOptions<T, S: ?Sized = str> {
    pub(crate) pace: Pace,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_progress: Option<OnProgress<T, S>>,
}

impl<T, S: ?Sized> Default for PollOptions<T, S> {
    fn default() -> Self {
        Self { pace: Pace::STEADY, timeout: None, on_progress: None }
    }
}

impl<T, S: ?Sized> PollOptions<T, S> {
    /// At this pace.
    #[cfg(any(feature = "compute", feature = "sql"))]
    pub(crate) fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// With this timeout.
    pub(crate) fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeout = limit.into();
        self
    }
}

/// The setters of everything that waits: the struct has a field `poll` of [`PollOptions`].
macro_rules! poll_setters {
    ($(#[$timeout:meta])* $resource:ty, $state:ty) => {
        $(#[$timeout])*
        pub fn timeout(mut self, limit: ::std::time::Duration) -> Self {
            self.poll.timeout = Some(limit);
            self
        }

        /// Sets the pause between two polls. Default: pauses that grow.
        pub fn poll_interval(mut self, interval: ::std::time::Duration) -> Self {
            self.poll.pace = $crate::poll::Pace::every(interval);
            self
        }

        /// Calls `f` after every poll.
        pub fn on_progress(mut self, f: impl FnMut($crate::Progress<'_, $resource, $state>) + Send + 'static) -> Self {
            self.poll.on_progress = Some(Box::new(f));
            self
        }
    };
}
pub(crate) use poll_setters;
