//! The program as people use it: the real binary, each time in a folder of its own.

mod commands;
mod place;
mod readme;
