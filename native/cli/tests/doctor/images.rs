//! What power cuts of a simulated disk leave of a log.

use std::fs;
use std::path::Path;

use eventfold::{EventReader, EventWriter};
use eventfold_tests::sim::image::Image;
use eventfold_tests::sim::random::Random;
use eventfold_tests::sim::run::Run;
use eventfold_tests::sim::script::Script;
use eventfold_tests::sim::unsynced::Unsynced;

use super::{WRONG, data, doctor, findings, goes_on, readable};

const FILES: [&str; 4] = [
    "app.jsonl",
    "archive.jsonl.zst",
    "torn.bin",
    "views/view.snapshot.json",
];

/// So many images are drawn at each operation.
const DRAWN: usize = 3;

fn write(image: &Image, dir: &Path) {
    fs::create_dir(dir.join("views")).unwrap();
    for (file, bytes) in FILES.iter().zip(&image.slots) {
        if let Some(bytes) = bytes {
            fs::write(dir.join(file), bytes).unwrap();
        }
    }
}

/// Whether it was damaged, and whether all of it was repaired that is there.
fn check(image: &Image) -> (bool, bool) {
    let (dir, opened) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(image, dir.path());
    write(image, opened.path());
    let pending = EventReader::new(dir.path()).pending_recovery().unwrap();
    let writer = EventWriter::open(opened.path()).unwrap();
    let mut recovery = writer.recovery().clone();
    drop(writer);
    assert_eq!(pending, recovery);

    let before = readable(dir.path());
    let (status, what) = findings(dir.path());
    if status == Some(0) {
        // What another program archived needs nobody.
        recovery.adopted_bytes = 0;
        assert!(recovery.is_clean(), "passed over: {recovery}");
        assert_eq!(before, readable(opened.path()));
        return (false, true);
    }
    assert_eq!(status, Some(WRONG), "{what:?}");

    let status = doctor(dir.path(), &["--repair"]).status;
    let after = readable(dir.path());
    for event in before.iter().chain(&readable(opened.path())) {
        assert!(after.contains(event), "{what:?}: {event:?} is gone");
    }
    let (_, left) = findings(dir.path());
    if status == Some(0) {
        assert_eq!(left, [""; 0], "{what:?}");
        goes_on(dir.path(), data(dir.path()));
    }
    // No repair brings back events that were not synced: a view may have folded them already, and
    // before the first of them there is no log.
    let is_gone = |what: &String| {
        what.contains("was folded up to position") || what.contains("there is no log here")
    };
    (true, left.iter().all(is_gone))
}

#[test]
fn what_a_power_cut_leaves_is_found_and_repaired() {
    let (mut images, mut damaged, mut left) = (0, 0, 0);
    let scripts = Script::fixed();
    for script in scripts.iter().filter(|script| !script.is_huge()) {
        let mut random = Random(7);
        Run::of(script).disk.history(|base, journal| {
            let mut unsynced = Unsynced::over(base);
            for op in journal {
                unsynced.begin(op);
                for _ in 0..DRAWN {
                    let mut image = Image::default();
                    unsynced.leave(&unsynced.draw(&mut random), &mut image);
                    let (was, repaired) = check(&image);
                    images += 1;
                    damaged += usize::from(was);
                    left += usize::from(!repaired);
                }
                unsynced.end(op);
            }
        });
    }
    println!("{images} images, {damaged} damaged, {left} not repaired whole");
    assert!(damaged > images / 4, "{damaged} of {images}");
    assert_eq!(left, 0);
}
