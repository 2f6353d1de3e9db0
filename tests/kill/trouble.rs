//! A database that cannot be written for a while.
