//! A program of its own for the tests of real processes: `actor DIR`.
//!
//! It takes commands on standard input, one a line, and answers each with one line on standard
//! output: `ok`, with what there is to say, or `error KIND VARIANT MESSAGE`. Commands that take
//! long say more before that. It ends when its input does.

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::io::Result<()> {
    native::run()
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::fmt::Display;
    use std::io::{self, Read};
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use eventfold::{Error, Event, EventLog, EventReader, LineHash, LockMode};
    use eventfold_tests::real::contend::{Numbers, contend};
    use eventfold_tests::real::follow::{Manner, follow, rotate_along};
    use eventfold_tests::real::program::run_on_files;
    use eventfold_tests::real::say;
    use eventfold_tests::real::work::work;
    use eventfold_tests::sim::random::Random;
    use serde_json::json;

    pub(crate) fn run() -> io::Result<()> {
        let dir = std::env::args_os().nth(1).unwrap_or_default();
        let mut actor = Actor {
            dir: PathBuf::from(dir),
            log: None,
        };
        for command in io::stdin().lines() {
            match actor.obey(&command?) {
                Ok(answer) => say(format_args!("ok {answer}"))?,
                Err(error) => say(format_args!("error {}", described(&error)))?,
            }
        }
        Ok(())
    }

    struct Actor {
        dir: PathBuf,
        log: Option<EventLog>,
    }

    impl Actor {
        fn obey(&mut self, command: &str) -> io::Result<String> {
            let mut words = command.split(' ');
            let verb = words.next().unwrap_or_default();
            let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
            let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
            match verb {
                "open" => self.open(LockMode::Flock),
                "open-unlocked" => self.open(LockMode::None),
                "close" => {
                    self.log = None;
                    Ok(String::new())
                }
                "append" => self.append(number(0), number(1)).map(said),
                "append-many" => self.append_many(number(0), number(1)),
                "append-if" => {
                    let appended = self.log()?.append_if(&numbered(0, 0), 0, LineHash::NONE)?;
                    Ok(said(appended.position))
                }
                "rotate" => self.log()?.rotate().map(|rotation| said(rotation.bytes)),
                "refresh" => self.log()?.refresh_all().map(|()| String::new()),
                "work" => done(work(&self.dir, number(0))),
                "append-on" => self.append_on(number(0), number(1)),
                "contend" => done(contend(&self.dir, number(0), Numbers::Log)),
                "contend-counting" => done(contend(&self.dir, number(0), Numbers::Counter)),
                "rotate-along" => done(rotate_along(&self.dir, number(0), number(1))),
                "follow" => done(follow(&self.dir, number(0), manners(number(1)))),
                "script" => self.script(command),
                "churn" => self.churn(number(0)),
                "read" => self.read(),
                "read-each" => self.read_each(),
                "has-new" => EventReader::new(&self.dir)
                    .has_new_events(number(0))
                    .map(said),
                "wait" => self.wait(number(0), Duration::from_millis(number(1))),
                "who" => eventfold::who_holds(&self.dir).map(|who| format!("{who:?}")),
                "child" => sleeping_child().map(said),
                "peak" => status("VmHWM:").map(said),
                _ => Err(io::Error::other("no such command")),
            }
        }

        fn open(&mut self, mode: LockMode) -> io::Result<String> {
            let log = EventLog::builder(&self.dir)
                .lock_mode(mode)
                .view("sum", |sum: u64, event: &Event| sum + event.ts)
                .open()?;
            let recovery = format!("{:?}", log.recovery());
            self.log = Some(log);
            Ok(recovery)
        }

        fn log(&mut self) -> io::Result<&mut EventLog> {
            let none = || io::Error::other("no log is open");
            self.log.as_mut().ok_or_else(none)
        }

        fn append(&mut self, number: u64, text_len: u64) -> io::Result<u64> {
            let event = numbered(number, text_len);
            self.log()?.append(&event).map(|appended| appended.position)
        }

        fn append_many(&mut self, from: u64, count: u64) -> io::Result<String> {
            for number in from..from + count {
                self.append(number, 20)?;
            }
            Ok(String::new())
        }

        /// Appends events numbered from `from` on until it is killed, and says each number once
        /// its append has returned. Rotates and refreshes its views in between.
        fn append_on(&mut self, seed: u64, from: u64) -> io::Result<String> {
            let mut random = Random(seed);
            for number in from.. {
                let text_len = match random.below(5) {
                    0 => 10_000_u64,
                    _ => random.below(64) as u64,
                };
                self.append(number, text_len)?;
                say(format_args!("acknowledged {number}"))?;
                match random.below(17) {
                    0 | 1 => drop(self.log()?.rotate()?),
                    2 | 3 => self.log()?.refresh_all()?,
                    _ => {}
                }
            }
            Ok(String::new())
        }

        /// `script LETTERS NEXT SUBDIRECTORY`
        fn script(&self, command: &str) -> io::Result<String> {
            let wrong = || io::Error::other("no such script");
            let mut words = command.split(' ').skip(1);
            let mut word = || words.next().ok_or_else(wrong);
            let script = word()?.parse().map_err(io::Error::other)?;
            let next = word()?.parse().map_err(io::Error::other)?;
            done(run_on_files(&self.dir.join(word()?), &script, next))
        }

        /// Appends three events and rotates, so many times, saying each event's number.
        fn churn(&mut self, rotations: u64) -> io::Result<String> {
            for number in 0..rotations * 3 {
                self.append(number, number % 50)?;
                say(format_args!("acknowledged {number}"))?;
                if number % 3 == 2 {
                    self.log()?.rotate()?;
                }
            }
            Ok(String::new())
        }

        /// Reads everything and says how many events and errors there were.
        fn read(&mut self) -> io::Result<String> {
            let (mut events, mut errors, mut last) = (0, 0, String::new());
            for record in EventReader::new(&self.dir).read_full()?.take(100_000) {
                match record {
                    Ok(_) => events += 1,
                    Err(error) => {
                        errors += 1;
                        last = described(&error);
                    }
                }
            }
            Ok(format!("{events} {errors} {last}"))
        }

        /// Says each event's position and JSON, and passes over what is none.
        fn read_each(&mut self) -> io::Result<String> {
            let records = EventReader::new(&self.dir).read_full()?.take(100_000);
            for record in records.flatten() {
                let json = serde_json::to_string(&record.event)?;
                say(format_args!("{} {json}", record.position))?;
            }
            Ok(String::new())
        }

        /// Says how a wait ended, the milliseconds it took, and those of processor time.
        fn wait(&mut self, position: u64, timeout: Duration) -> io::Result<String> {
            let (start, busy) = (Instant::now(), processor_ticks()?);
            let result = EventReader::new(&self.dir).wait_for_events(position, timeout)?;
            let took = start.elapsed().as_millis();
            let busy = (processor_ticks()? - busy) * 10;
            Ok(format!("{result:?} {took} {busy}"))
        }
    }

    fn numbered(number: u64, text_len: u64) -> Event {
        let text = "x".repeat(usize::try_from(text_len).unwrap_or_default());
        Event::at(number, "numbered", json!({ "text": text }))
    }

    /// A process that outlives this one. It ends by itself after ten minutes.
    fn sleeping_child() -> io::Result<u32> {
        let mut child = Command::new("sh")
            .args(["-c", "echo; exec sleep 600"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        // Until it runs a program of its own it has our files.
        if let Some(mut said) = child.stdout.take() {
            said.read_exact(&mut [0])?;
        }
        Ok(child.id())
    }

    /// A number out of what Linux tells of this process.
    fn status(name: &str) -> io::Result<u64> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        status
            .lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            })
            .ok_or_else(|| io::Error::other("not told"))
    }

    /// Processor time used so far, in hundredths of a second.
    fn processor_ticks() -> io::Result<u64> {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        let ticks = after_name.split(' ').skip(11).take(2);
        Ok(ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum())
    }

    fn described(error: &io::Error) -> String {
        let typed = Error::of(error).map(|typed| format!("{typed:?}"));
        let variant = typed.as_deref().and_then(|typed| typed.split(' ').next());
        let kind = error.kind();
        format!("{kind:?} {} {error}", variant.unwrap_or("-")).replace('\n', " ")
    }

    fn said(number: impl Display) -> String {
        number.to_string()
    }

    fn done(result: io::Result<()>) -> io::Result<String> {
        result.map(|()| String::new())
    }

    /// How the readers of the first process read, and those of the second.
    fn manners(process: u64) -> &'static [Manner] {
        match process {
            0 => &[Manner::Again, Manner::OneIterator],
            _ => &[Manner::NewIterators, Manner::Waits],
        }
    }
}
