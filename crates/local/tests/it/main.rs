//! The embedded workspace over real sockets.

mod account;
mod client;
mod clusters;
mod commands;
mod faults;
mod sign_in;
mod statements;
mod warehouses;
