//! The loop against a scripted database and a clock that moves by itself.

mod claiming;
mod handing_over;
mod handlers;
mod isolation;
mod losing;
mod outages;
mod sizes;
mod stopping;
mod unavailable;
mod world;
