//! Files that gzip or zstd compressed.

use std::io::Write as _;

use eventfold::EventReader;

use super::support::{data, run, run_with_stdin, text};
use super::{Place, lines, numbers};

#[test]
fn compressed_files_are_known_by_their_content() {
    let place = Place::new();
    let zstd = zstd::encode_all(lines(0..500).as_bytes(), 3).unwrap();
    // Two frames, as a rotated archive has.
    let zstd = [
        zstd,
        zstd::encode_all(lines(500..1000).as_bytes(), 3).unwrap(),
    ]
    .concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines(1000..2000).as_bytes()).unwrap();
    let (zstd, gzip) = (
        place.file("a.txt", zstd),
        place.file("b", gzip.finish().unwrap()),
    );
    run(["import", text(&place.log()), text(&zstd), text(&gzip)]).ok();
    assert_eq!(data(&place.log()), numbers(0..2000));
}

/// As gzip itself has it.
#[test]
fn zeros_behind_what_gzip_compressed_are_no_damage_and_anything_else_is() {
    let place = Place::new();
    let member = |numbers| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(lines(numbers).as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let two = [member(0..9), member(9..20)].concat();
    for padding in [1, 512, 600_000] {
        let place = Place::new();
        let file = place.file("a.gz", [&two[..], &vec![0; padding]].concat());
        place.import(&file, &[]).ok();
        assert_eq!(data(&place.log()), numbers(0..20));
    }
    let file = place.file("a.gz", [&two[..], &[0; 9], b"something else"].concat());
    let error = place.import(&file, &[]).failed(1);
    assert!(error.contains("a.gz is damaged, in line 21"), "{error}");
}

/// A checksum tells of damage only behind what was altered.
#[test]
fn nothing_of_a_compressed_file_is_imported_that_is_damaged_anywhere() {
    let place = Place::new();
    let mut zstd = zstd::Encoder::new(Vec::new(), 3).unwrap();
    zstd.include_checksum(true).unwrap();
    zstd.write_all(lines(0..9000).as_bytes()).unwrap();
    let zstd = zstd.finish().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(lines(0..9000).as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    for whole in [zstd, gzip] {
        let mut altered = whole.clone();
        let middle = whole.len() / 2;
        altered[middle] ^= 4;
        let cut = whole[..whole.len() - 9].to_vec();
        for (bytes, why) in [
            (altered, " is damaged, in line "),
            (cut, " is cut off in line "),
        ] {
            let file = place.file("a.jsonl.x", &bytes);
            let error = place.import(&file, &["--skip-bad"]).failed(1);
            assert!(
                error.contains("a.jsonl.x") && error.contains(why),
                "{error}"
            );
            assert!(error.contains("nothing of it was imported"), "{error}");
            assert!(!place.log().exists());
        }
    }
}

#[test]
fn a_damaged_stream_says_what_it_may_have_altered_and_how_to_take_it_back() {
    let place = Place::new();
    place.import(&place.file("a.jsonl", lines(0..5)), &[]).ok();
    let log = place.log();
    let end = EventReader::new(&log).read_last(0).unwrap().position();
    let zstd = zstd::encode_all(lines(5..9000).as_bytes(), 3).unwrap();
    let cut = &zstd[..zstd.len() - 1];
    let error = run_with_stdin(["import", text(&log), "-"], cut).failed(1);
    let back = format!("eventfold restore {} NEW --at {end}", text(&log));
    assert!(error.contains(&back), "{error}");
    run_with_stdin(["import", text(&log), "-"], &zstd).ok();
    assert_eq!(data(&log), numbers(0..9000));

    let bad = zstd::encode_all(&b"nonsense\n"[..], 3).unwrap();
    let error = run_with_stdin(["import", text(&log), "-"], &bad).failed(1);
    assert!(!error.contains("--skip-bad"), "{error}");
}
