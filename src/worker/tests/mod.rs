//! The loop against a scripted database and a clock that moves by itself.

mod claiming;
mod handing_over;
mod handlers;
mod losing;
mod outages;
mod stopping;
mod world;
