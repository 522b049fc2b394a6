//! What has to hold of every image that a power cut leaves.

use std::collections::HashSet;

use eventfold_core::{
    Access, Codec, Error, Fold, LineHash, Recovery, Scan, Source, Storage, Writer,
};

use super::codec::STORED;
use super::image::{ARCHIVE, Image, LOG, SNAPSHOT, TORN, mix};
use super::known::Known;
use super::run::{State, VIEW, append_after};

/// What was promised at the moment of the cut, in order of position.
#[derive(Debug, Default)]
pub struct Promised<'k> {
    /// Must be there.
    pub must: Vec<&'k Known>,
    /// May be there.
    pub may: Vec<&'k Known>,
    /// A hash of both.
    pub key: u64,
}

impl<'k> Promised<'k> {
    /// What was promised when the disk had done `at` operations and may have begun the next.
    pub fn at(known: &'k [Known], at: usize) -> Self {
        let mut promised = Self::default();
        for known in known {
            let list = if known.durable <= at {
                &mut promised.must
            } else if known.begun <= at && at < known.gone {
                &mut promised.may
            } else {
                continue;
            };
            list.push(known);
            let must = u64::from(known.durable <= at);
            let line = mix(known.position * 2 + must, known.hash.0);
            promised.key = mix(promised.key, line);
        }
        promised.must.sort_by_key(|known| known.position);
        // One that was in doubt and turned out absent can have been appended again, the same.
        promised.must.dedup_by_key(|known| known.position);
        promised
    }

    /// Whether a line can be damaged that is not the last: when several were in flight, or when a
    /// sector holds something else than zeros.
    pub fn damages(&self, garbage: bool) -> bool {
        self.may.len() > 1 || garbage && !self.may.is_empty()
    }
}

/// A line that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub position: u64,
    pub hash: LineHash,
}

/// Checks images. Remembers the recovered states whose further life was checked already.
#[derive(Debug)]
pub struct Checker {
    /// What is rotated with.
    pub codec: Codec,
    lived: HashSet<u64>,
    before: Image,
}

impl Checker {
    pub fn new(codec: Codec) -> Self {
        Self {
            codec,
            lived: HashSet::new(),
            before: Image::default(),
        }
    }

    /// Opens the log in `store`, which holds a cut's image, and checks what is there.
    ///
    /// `image` gives the bytes that the store shows.
    pub fn recover<S: Storage>(
        &mut self,
        store: &mut S,
        promised: &Promised<'_>,
        damaged: bool,
        image: impl Fn(&S) -> Image,
    ) -> Recovery {
        let (writer, recovery) = match Writer::open(&mut *store, self.codec, Access::Exclusive) {
            Ok(opened) => opened,
            Err(error) => panic!("the log does not open: {error}"),
        };
        drop(writer);
        let mut recovered = image(store);
        let slots = recovered.hash(&[LOG, ARCHIVE, SNAPSHOT]);
        let state = mix(mix(slots, promised.key), u64::from(damaged));
        if self.lived.insert(state) {
            let found = read(&recovered);
            check_promised(&found, &recovered, promised, damaged);
            check_view(&found, &recovered);
            self.live_on(found, &mut recovered);
        }
        recovery
    }

    /// Opens again, appends, rotates, opens again: nothing is there but what was and what came.
    fn live_on(&mut self, found: Vec<Found>, image: &mut Image) {
        self.before.copy_from(image);
        let end = self.open_clean(image).end_position();
        assert_eq!(*image, self.before, "opening twice changes something");

        let mut writer = self.open_clean(image);
        let appended = append_after(&mut writer).unwrap();
        assert_eq!(appended.position, end);
        let after = Found {
            position: end,
            hash: appended.hash,
        };
        let expected = [found, vec![after]].concat();
        assert_eq!(read(writer.store()), expected, "after an append");
        writer.rotate().unwrap();
        assert_eq!(read(writer.store()), expected, "after a rotation");
        drop(writer);
        self.before.copy_from(image);
        assert_eq!(self.open_clean(image).log_len(), 0);
        assert_eq!(
            *image, self.before,
            "opening changes a log that was rotated"
        );
    }

    fn open_clean<'i>(&self, image: &'i mut Image) -> Writer<&'i mut Image> {
        let (writer, recovery) = Writer::open(image, self.codec, Access::Exclusive).unwrap();
        assert!(recovery.is_clean(), "opening again: {recovery:?}");
        writer
    }
}

/// Everything readable, in order.
pub fn read<S: Source>(source: S) -> Vec<Found> {
    let mut scan = Scan::new(source, STORED, 0);
    let mut found = Vec::new();
    loop {
        let line = match scan.next_line() {
            Ok(None) => return found,
            Ok(Some(line)) => line,
            Err(error) => panic!("the log does not read: {error}"),
        };
        // A line that the scripts wrote is recognised by its hash; only others are parsed.
        found.push(Found {
            position: line.position,
            hash: line.hash(),
        });
    }
}

/// The line at this position is corrupt, as a program sees it.
fn is_corrupt(image: &Image, position: u64) -> bool {
    let mut scan = Scan::new(image, STORED, position);
    matches!(
        scan.next_record::<serde_json::Value>(),
        Err(Error::Corrupt { .. })
    )
}

fn check_promised(found: &[Found], image: &Image, promised: &Promised<'_>, damaged: bool) {
    let mut must = promised.must.iter().peekable();
    for line in found {
        let is = |known: &Known| known.position == line.position && known.hash == line.hash;
        if must.next_if(|known| is(known)).is_some() || promised.may.iter().any(|known| is(known)) {
            continue;
        }
        let position = line.position;
        if let Some(lost) = must.peek().filter(|lost| lost.position <= position) {
            panic!(
                "lost: the event at position {} that was acknowledged",
                lost.position
            );
        }
        // Garbage where a newline was can be a space, before an event or after it, which makes no
        // other event of it.
        let event = without_spaces(image, position);
        let is_in_flight = |known: &Known| (known.position, known.hash) == event;
        if promised.may.iter().any(|known| is_in_flight(known)) {
            continue;
        }
        assert!(
            is_corrupt(image, position),
            "nobody appended what is at position {position}, or it was refused"
        );
        assert!(damaged, "a corrupt line at position {position}");
    }
    if let Some(lost) = must.next() {
        panic!(
            "lost: the event at position {} that was acknowledged",
            lost.position
        );
    }
}

/// Where the line at `position` starts and its hash, both without white space around it.
fn without_spaces(image: &Image, position: u64) -> (u64, LineHash) {
    let mut scan = Scan::new(image, STORED, position);
    let line = scan.next_line().unwrap().unwrap();
    let starts = line.bytes.trim_ascii_start();
    let before = line.bytes.len() - starts.len();
    (
        position + before as u64,
        LineHash::of(starts.trim_ascii_end()),
    )
}

/// The snapshot is the fold over the events up to its position, or it is none.
fn check_view(found: &[Found], image: &Image) {
    if image.slots[SNAPSHOT].is_none() {
        return;
    }
    let Some(fold) = Fold::<State>::load(image, STORED, VIEW).unwrap() else {
        return;
    };
    let folded = found
        .iter()
        .take_while(|line| line.position < fold.position());
    let state = folded.fold((0, 0), |(n, hash), line| (n + 1, mix(hash, line.hash.0)));
    assert_eq!(
        *fold.state(),
        state,
        "a snapshot of another history is believed"
    );
}

/// The bytes that a recovery cut off `image` are in its side file.
pub fn check_kept(image: &Image, recovery: &Recovery, torn: &[u8]) {
    let cut = [
        (LOG, recovery.torn_log_bytes),
        (ARCHIVE, recovery.torn_archive_bytes),
    ];
    for (slot, len) in cut.into_iter().filter(|(_, len)| *len > 0) {
        let bytes = image.bytes(slot);
        let bytes = &bytes[bytes.len() - len as usize..];
        // They stand behind a line of their own, which ends like this.
        let mut heads = torn.windows(2).enumerate().filter(|(_, end)| end == b"}\n");
        let newest = torn.strip_suffix(b"\n").unwrap_or_default();
        assert!(
            newest.ends_with(bytes) || heads.any(|(at, _)| torn[at + 2..].starts_with(bytes)),
            "{len} bytes of slot {slot} were cut and are not kept in slot {TORN}"
        );
    }
}
