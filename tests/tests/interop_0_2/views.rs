//! No snapshot of either version gives the other one a wrong state.

use eventfold::{Event, EventLog};
use serde_json::json;
use tempfile::tempdir;

use crate::support::{Counts, append, append_0_2, assert_state_0_2, goes_on, open, open_0_2};

#[test]
fn a_stale_snapshot_of_ours_over_lines_that_repeat_gives_0_2_no_wrong_state() {
    let same = Event::at(1, "tick", json!(1));
    // How often the line stands in history when the snapshot is saved, is archived then, and is
    // appended behind that.
    for (folded, archived, after) in [(1, 1, 1), (3, 3, 3), (3, 3, 9), (2, 5, 4), (4, 9, 30)] {
        let dir = tempdir().unwrap();
        let mut log = open(dir.path());
        let mut events = Vec::new();
        for n in 0..archived {
            log.append(&same).unwrap();
            events.push(same.clone());
            if n + 1 == folded {
                log.refresh_all().unwrap();
            }
        }
        log.rotate().unwrap();
        for _ in 0..after {
            log.append(&same).unwrap();
            events.push(same.clone());
        }
        drop(log);
        let mut theirs = open_0_2(dir.path());
        theirs.refresh_all().unwrap();
        assert_eq!(
            theirs.view::<Counts>("counts").unwrap()["tick"],
            events.len() as u64,
            "folded {folded}, archived {archived}, {after} behind"
        );
        drop(theirs);
        goes_on(open(dir.path()), &mut events);
    }
}

#[test]
fn a_view_rebuilt_over_an_empty_log_gives_0_2_no_wrong_state() {
    let dir = tempdir().unwrap();
    let mut events = Vec::new();
    let mut log = open(dir.path());
    log.rebuild_all().unwrap();
    append(&mut log, &mut events, 3);
    log.rotate().unwrap();
    append(&mut log, &mut events, 2);
    drop(log);
    let mut theirs = open_0_2(dir.path());
    theirs.refresh_all().unwrap();
    assert_state_0_2(&theirs, &events);
}

#[test]
fn a_rotation_here_makes_no_snapshot_of_0_2_wrong() {
    for registered in [true, false] {
        let dir = tempdir().unwrap();
        let mut events = Vec::new();
        let mut theirs = open_0_2(dir.path());
        append_0_2(&mut theirs, &mut events, 4);
        // Its snapshots then say: offset 0, everything archived is folded.
        theirs.rotate().unwrap();
        drop(theirs);

        let mut log = match registered {
            true => open(dir.path()),
            false => EventLog::open(dir.path()).unwrap(),
        };
        append(&mut log, &mut events, 3);
        log.rotate().unwrap();
        append(&mut log, &mut events, 2);
        drop(log);

        let mut theirs = open_0_2(dir.path());
        theirs.refresh_all().unwrap();
        assert_state_0_2(&theirs, &events);
    }
}
