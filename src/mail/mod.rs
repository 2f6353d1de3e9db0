//! Mail: what is written, how it is composed, and how it leaves.

pub mod render;
