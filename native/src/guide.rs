//! The guide: what to know to build on an event log for years.
//!
//! | chapter | |
//! |---|---|
//! | [`concepts`] | event, log, position, archive, view |
//! | [`durability`] | what an append is worth, and what a crash can take |
//! | [`rotation`] | how the log moves into the archive |
//! | [`views`] | reducers that change, events of an old shape, the past, tests |
//! | [`locking`] | one writer at a time, who it is, how to wait |
//! | [`tailing`] | following a log from threads, processes and tasks |
//! | [`browsers`] | the same log in JavaScript |
//! | [`moving`] | from 0.2.0 |
//! | [`inside`] | framing, recovery, readers beside a writer |
//!
//! The command line is in the README; each of its commands has `--help`.

macro_rules! chapters {
    ($($name:ident)*) => {
        $(
            #[doc = include_str!(concat!("../guide/", stringify!($name), ".md"))]
            pub mod $name {}
        )*
    };
}

chapters!(concepts durability rotation views locking tailing browsers moving inside);
