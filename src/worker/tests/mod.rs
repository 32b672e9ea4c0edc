//! The loop against a scripted database and a clock that moves by itself.

mod claiming;
mod fuzz;
mod handing_over;
mod handlers;
mod isolation;
mod losing;
mod outages;
mod sizes;
mod stopping;
mod timing_out;
mod unavailable;
mod world;
