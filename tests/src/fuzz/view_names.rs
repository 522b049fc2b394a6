//! Any text as a view's name.

use std::convert::Infallible;
use std::fs;
use std::path::{Component, Path};

use eventfold::{FileStore, LockMode};
use eventfold_core::{Error, Fold, Slot, Storage, check_view_name};

/// A name that is accepted is that of a file directly in `views`, on every system; whoever is
/// refused touches no file.
pub fn target(bytes: &[u8]) {
    let Ok(name) = str::from_utf8(bytes) else {
        return;
    };
    match check_view_name::<Infallible>(name) {
        Ok(()) => {
            assert_one_file(name);
            // A few of them for real.
            if bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0 {
                assert_written(name);
            }
        }
        Err(Error::ViewName { name: told, .. }) => {
            assert_eq!(told, name);
            assert!(!is_plain(name), "{name:?} was refused");
        }
        Err(error) => panic!("{error}"),
    }
}

/// A name that nobody could object to.
fn is_plain(name: &str) -> bool {
    let plain = |byte| matches!(byte, b'a'..=b'z' | b'_' | b'-');
    (5..=128).contains(&name.len()) && name.bytes().all(plain)
}

fn assert_one_file(name: &str) {
    let path = Slot::Snapshot(name).to_string();
    let file = path.strip_prefix("views/").unwrap();
    let parts: Vec<Component<'_>> = Path::new(&path).components().collect();
    assert_eq!(
        parts,
        ["views", file].map(|part| Component::Normal(part.as_ref()))
    );
    // What Windows keeps for itself: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    assert!(file.len() <= 255 && file.encode_utf16().count() <= 255);
    assert!(!file.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']));
    assert!(!file.chars().any(char::is_control));
    assert!(!file.starts_with(' '));
    let stem = file
        .split('.')
        .next()
        .unwrap()
        .trim_end_matches(' ')
        .to_ascii_uppercase();
    let devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    assert!(!stem.is_empty() && !devices.contains(&&*stem), "{name:?}");
    let port = stem.strip_prefix("COM").or(stem.strip_prefix("LPT"));
    let digits = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³",
    ];
    assert!(!port.is_some_and(|port| digits.contains(&port)), "{name:?}");
}

/// The snapshot of this name is written to its place, read from there and removed, and beside it
/// nothing changes.
fn assert_written(name: &str) {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    let dir = in_memory.unwrap_or_else(|_| tempfile::tempdir().unwrap());
    let views = dir.path().join("views");
    let files = |dir: &Path| {
        let names = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = names.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let mut store = FileStore::open(dir.path(), LockMode::None).unwrap();
    Fold::new(7).save(&mut store, name).unwrap();
    assert_eq!(files(&views), [&*format!("{name}.snapshot.json")]);
    assert_eq!(files(dir.path()), ["app.jsonl", "views"]);
    let read = Fold::<u64>::load(&store, eventfold::ZSTD, name).unwrap();
    assert_eq!(read, Some(Fold::new(7)));
    store.remove(Slot::Snapshot(name)).unwrap();
    assert!(files(&views).is_empty());
}
