//! One conformance suite for every storage of eventfold.
//!
//! A case is a function over a [`Place`]. [`conformance!`] makes a test of each, for one place;
//! every case that holds for one store holds for all.
//!
//! | | |
//! |---|---|
//! | `cases` | the cases, by theme |
//! | `places` | memory, real files, an object in JavaScript |
//! | `faulty` | a store that fails or stops at a chosen call |
//! | `fuzz` | what has to hold of any bytes |
//! | `proof` | what the suites report of themselves |
//! | `real` | what the processes of the suites against the real system do |
//! | `sim` | a simulated disk with power cuts |

pub mod cases;
pub mod faulty;
#[cfg(not(target_arch = "wasm32"))]
pub mod fuzz;
pub mod places;
pub mod proof;
#[cfg(not(target_arch = "wasm32"))]
pub mod real;
pub mod sim;

use std::collections::BTreeMap;

use eventfold_core::{
    Access, Appended, Codec, Durability, Event, Recovery, Scan, Slot, Source, Storage, Writer,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Something that holds one log's bytes, and gives any number of stores over them.
pub trait Place {
    type Store: Storage;
    const CODEC: Codec;

    /// A place without a log.
    fn empty() -> Self;

    /// Another store over the same bytes, without a lock.
    fn store(&self) -> Self::Store;

    /// The log, opened by its only writer.
    fn open(&self) -> Writer<Self::Store> {
        self.open_reporting().0
    }

    fn open_reporting(&self) -> (Writer<Self::Store>, Recovery) {
        Writer::open(self.store(), Self::CODEC, Access::Exclusive).unwrap()
    }

    fn bytes(&self, slot: Slot<'_>) -> Vec<u8> {
        let store = self.store();
        let mut bytes = vec![0; store.len(slot).unwrap() as usize];
        let n = store.read_at(slot, 0, &mut bytes).unwrap();
        assert_eq!(n, bytes.len());
        bytes
    }

    /// Sets a slot's bytes, as damage or another program would.
    fn set(&self, slot: Slot<'_>, bytes: &[u8]) {
        let mut store = self.store();
        // Not `replace`, which stores may keep for snapshots.
        store.append(slot, b"").unwrap();
        store.truncate(slot, 0).unwrap();
        store.append(slot, bytes).unwrap();
    }

    fn scan(&self, position: u64) -> Scan<Self::Store> {
        Scan::new(self.store(), Self::CODEC, position)
    }

    /// The data of all events, in order.
    fn numbers(&self) -> Vec<u64> {
        let mut scan = self.scan(0);
        let mut numbers = Vec::new();
        while let Some(record) = scan.next_record::<Value>().unwrap() {
            numbers.push(record.event.data["n"].as_u64().unwrap());
        }
        numbers
    }

    /// What has to hold of any log after anything: it opens, opens again with nothing to do,
    /// holds these events, takes another, rotates, and still holds them all.
    #[track_caller]
    fn assert_sound(&self, expected: &[u64]) {
        assert_eq!(self.open().end_position(), self.open().end_position());
        let (mut writer, recovery) = self.open_reporting();
        assert!(recovery.is_clean(), "opening twice: {recovery:?}");
        assert_eq!(self.numbers(), expected);
        let next = expected.len() as u64 + 1000;
        append(&mut writer, next);
        let expected = [expected, &[next]].concat();
        assert_eq!(self.numbers(), expected);
        writer.rotate().unwrap();
        assert_eq!(self.numbers(), expected);
        drop(writer);
        assert_eq!(self.open().log_len(), 0);
        assert_eq!(self.numbers(), expected);
    }
}

/// The event whose data is this number.
pub fn event(n: u64) -> Event {
    Event::at(n, "counted", json!({ "n": n }))
}

pub fn append<S: Storage>(writer: &mut Writer<S>, n: u64) -> Appended {
    writer.append(&event(n), Durability::Synced).unwrap()
}

/// Whether an object in this JSON has a key that a `Value` takes for something else than a key.
/// Of what cannot be read at all it tells nothing.
pub fn has_reserved_key(json: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Json {
        Object(BTreeMap<String, Json>),
        Array(Vec<Json>),
        Other(IgnoredAny),
    }

    fn holds(json: &Json) -> bool {
        match json {
            Json::Object(fields) => fields.iter().any(|(key, value)| {
                let own = key.strip_prefix("$serde_json::private::");
                matches!(own, Some("RawValue" | "Number")) || holds(value)
            }),
            Json::Array(elements) => elements.iter().any(holds),
            Json::Other(IgnoredAny) => false,
        }
    }

    serde_json::from_str(json).is_ok_and(|json| holds(&json))
}

/// Makes a test of each case, for the place of type `$place`. The attribute is whatever `test`
/// means where this stands. With `@table` before the type it is an array of the cases instead,
/// each with its name.
#[macro_export]
macro_rules! conformance {
    (@tests $place:ty: $($theme:ident::$case:ident,)*) => {
        $(
            #[test]
            fn $case() {
                $crate::cases::$theme::$case::<$place>();
            }
        )*
    };
    (@table $place:ty: $($theme:ident::$case:ident,)*) => {
        [$((
            concat!(stringify!($theme), "::", stringify!($case)),
            $crate::cases::$theme::$case::<$place> as fn(),
        )),*]
    };
    (@$what:ident $place:ty) => {
        $crate::conformance! { @$what $place:
            store::a_slot_that_does_not_exist_is_empty,
            store::bytes_appended_are_read_back_from_any_offset,
            store::cutting_keeps_what_is_before,
            store::replacing_sets_the_whole_content,
            store::a_removed_slot_is_empty_and_removing_again_is_fine,
            store::slots_do_not_share_bytes,
            events::what_an_append_returns_is_what_reading_yields,
            events::a_batch_is_read_back_in_order_and_an_empty_one_writes_nothing,
            events::an_event_is_written_in_one_call_with_its_newline_and_so_is_a_batch,
            events::every_field_reads_back_equal,
            events::data_goes_in_and_out_as_a_type_of_its_own,
            events::an_append_on_a_condition_needs_the_very_end,
            events::reading_goes_on_with_what_came_since,
            events::a_position_inside_a_line_or_beyond_the_end_is_refused,
            events::lines_are_found_at_their_positions_with_blank_lines_and_carriage_returns,
            events::a_corrupt_line_is_reported_with_its_place_and_passed_over,
            events::data_of_another_type_is_a_mismatch_and_no_corruption,
            events::an_event_that_is_refused_leaves_no_byte,
            recovery::a_line_torn_at_any_byte_is_cut_and_kept_or_completed,
            recovery::a_tail_of_nuls_is_cut_and_a_nul_before_the_end_is_corrupt,
            recovery::a_reader_of_an_event_that_gave_its_place_to_a_longer_one_says_so,
            recovery::a_rotation_without_its_seal_is_settled_by_what_the_log_holds,
            recovery::a_shared_writer_cuts_nothing_and_ends_the_fragment,
            recovery::a_shared_writer_finds_the_place_of_its_event,
            recovery::a_shared_writer_finds_the_place_of_its_event_beside_rotations,
            recovery::a_shared_writer_appends_nothing_behind_a_rotation_that_is_not_finished,
            recovery::what_a_shared_writer_has_not_synced_is_in_doubt_also_behind_a_rotation,
            crashes::a_crash_at_any_call_keeps_what_was_acknowledged,
            crashes::a_crash_at_any_call_of_the_recovery_is_recovered,
            crashes::a_call_that_fails_once_leaves_no_event_that_was_refused,
            crashes::an_interrupted_rotation_is_told,
            crashes::a_rotation_that_cannot_be_undone_poisons,
            crashes::a_call_that_fails_from_then_on_poisons_or_refuses,
            crashes::a_failed_sync_leaves_what_was_acknowledged_and_nothing_else,
            rotation::no_position_changes,
            rotation::a_scan_goes_on_across_rotations,
            rotation::lines_longer_than_a_block_are_archived_whole,
            rotation::a_rotation_prepared_before_each_append_archives_the_same_bytes,
            rotation::an_empty_log_rotates_to_nothing,
            rotation::a_reader_sees_each_event_once_at_every_step_of_a_rotation,
            rotation::a_rotation_beside_which_another_changes_the_log_is_refused,
            rotation::a_rotation_whose_archive_another_removes_takes_no_event_along,
            rotation::an_append_on_a_condition_works_right_after_a_rotation_and_a_reopening,
            archive::frames_of_another_writer_are_history_and_get_a_seal,
            archive::frames_without_content_are_passed_over_by_readers_and_rotations,
            archive::a_torn_frame_of_another_writer_is_cut_and_kept,
            archive::a_log_that_another_writer_archives_behind_a_copy_of_it_is_read_once,
            archive::what_follows_the_last_seal_is_cut_and_kept,
            archive::no_flipped_bit_comes_back_as_an_event,
            archive::a_damaged_block_is_reported_once_and_passed_over,
            archive::a_damaged_seal_hides_its_own_part_only,
            archive::a_damaged_last_seal_loses_nothing,
            views::a_fold_refreshed_step_by_step_equals_one_from_the_start,
            views::a_snapshot_gives_back_state_and_position,
            views::a_damaged_snapshot_is_none,
            views::a_snapshot_of_another_history_is_none,
            views::blank_lines_are_nothing_to_a_view_its_snapshot_or_a_condition,
            views::a_position_in_a_blank_line_is_no_end_of_a_fold,
            views::a_fold_over_events_that_the_log_has_lost_says_so,
            views::an_error_while_refreshing_changes_nothing,
            views::a_refresh_that_cannot_read_on_is_an_error_wherever_it_stops,
            views::a_state_that_json_cannot_hold_is_refused_and_the_snapshot_stays,
            views::a_name_that_is_no_file_name_is_refused,
        }
    };
    ($place:ty) => {
        $crate::conformance! { @tests $place }
    };
}
