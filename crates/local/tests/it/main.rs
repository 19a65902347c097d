//! The embedded workspace over real sockets.

mod client;
mod clusters;
mod faults;
mod sign_in;
mod statements;
mod warehouses;
