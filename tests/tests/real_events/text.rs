//! Texts, folded from the keystrokes that wrote them.

use std::collections::BTreeMap;

use eventfold::{Durability, Event, EventLog, View};
use serde::{Deserialize, Serialize};
use tempfile::tempdir;

use crate::DataFile;

#[test]
fn texts_folded_in_a_hundred_steps_equal_texts_folded_at_once() {
    let Some(file) = DataFile::read("text-keystrokes") else {
        return;
    };
    let events: Vec<Event<Edit>> = file
        .lines()
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let dir = tempdir().unwrap();
    let open = || {
        EventLog::builder(dir.path())
            .durability(Durability::Buffered)
            .typed_view("texts", edit)
            .open()
            .unwrap()
    };
    let mut log = open();
    let mut direct = Texts::default();
    for (step, events) in events.chunks(events.len().div_ceil(100)).enumerate() {
        log.append_batch(events).unwrap();
        log.refresh_all().unwrap();
        direct = events.iter().fold(direct, edit);
        match step % 20 {
            7 => drop(log.rotate().unwrap()),
            13 => {
                drop(log);
                log = open();
            }
            _ => {}
        }
        if step % 10 == 9 {
            assert!(*log.view::<Texts>("texts").unwrap() == direct);
        }
    }
    let mut rebuilt = View::typed("other", edit).unwrap();
    assert!(*rebuilt.rebuild(&log.reader()).unwrap() == direct);
    assert!(*log.view::<Texts>("texts").unwrap() == direct);
    drop(log);
    let mut log = open();
    assert!(*log.view::<Texts>("texts").unwrap() == direct);
    log.rebuild_all().unwrap();
    assert!(*log.view::<Texts>("texts").unwrap() == direct);
    let lengths = direct
        .0
        .iter()
        .map(|(name, text)| format!("{name} {}", text.len()));
    file.say(&format!(
        "texts of so many characters: {:?}",
        lengths.collect::<Vec<_>>()
    ));
    assert!(!direct.0.is_empty());
}

/// Replaces characters in one text: where, how many, by what.
#[derive(Debug, Serialize, Deserialize)]
struct Edit {
    doc: String,
    patches: Vec<(usize, usize, String)>,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Texts(BTreeMap<String, Text>);

/// A text by its characters, since edits count those; in JSON a string.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
struct Text(Vec<char>);

impl Text {
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.chars().collect())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into_iter().collect()
    }
}

fn edit(mut texts: Texts, event: &Event<Edit>) -> Texts {
    let Edit { doc, patches } = &event.data;
    let text = texts.0.entry(doc.clone()).or_default();
    for (at, deleted, inserted) in patches {
        // Out of place, an edit would lie outside of the text sooner or later.
        assert!(at + deleted <= text.len());
        text.0.splice(*at..at + deleted, inserted.chars());
    }
    texts
}
