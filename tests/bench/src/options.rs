//! The command line.

use std::path::PathBuf;

pub const USAGE: &str = "\
cargo bench --manifest-path tests/bench/Cargo.toml -- [OPTIONS] [NAME …]

Measures the rows whose name starts with a NAME, or all of them.

  --quick      less of everything, for a look: a minute, three on a busy machine
  --huge       curves up to 4 GB of history
  --dir DIR    where the logs are written, on the disk that is to be measured
  --data FILE  events, one JSON object a line, as they are or in zstd
  --list       print the names";

#[derive(Debug, Default)]
pub struct Options {
    pub quick: bool,
    pub huge: bool,
    pub list: bool,
    pub dir: Option<PathBuf>,
    pub data: Option<PathBuf>,
    names: Vec<String>,
}

impl Options {
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} wants a value"));
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--huge" => options.huge = true,
                "--list" => options.list = true,
                "--dir" => options.dir = Some(value()?.into()),
                "--data" => options.data = Some(value()?.into()),
                // Cargo adds it.
                "--bench" => {}
                _ if arg.starts_with('-') => return Err(format!("unknown option {arg}")),
                _ => options.names.push(arg),
            }
        }
        let known = |name: &String| {
            let mut names = crate::ROWS.iter().map(|(row, _)| *row);
            names.any(|row| row.starts_with(name)) || crate::curves::NAME.starts_with(name)
        };
        match options.names.iter().find(|name| !known(name)) {
            Some(name) => Err(format!("no row is called {name}; --list prints the names")),
            None => Ok(options),
        }
    }

    pub fn selects(&self, row: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| row.starts_with(name))
    }
}
