use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use retake::ingest::container::{ContainerError, ContainerKind, ScanLimits, files_in, open};

use super::{folder, limits, records};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn lines(count: usize) -> String {
    (0..count)
        .map(|n| format!("{{\"number\":{n},\"text\":\"{}\"}}\n", n * 7919))
        .collect()
}

fn cached(cache: &Path) -> usize {
    fs::read_dir(cache).map_or(0, Iterator::count)
}

#[test]
fn compressed_files_are_unpacked_once() {
    let folder = folder("compressed");
    let cache = folder.join("cache");
    let text = lines(100);
    let (first, second) = text.split_at(text.find("{\"number\":50").unwrap());
    let cases = [
        (
            "members.jsonl.gz",
            [gzip(first.as_bytes()), gzip(second.as_bytes())].concat(),
        ),
        ("lines.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
    ];
    for (name, bytes) in cases {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        let opened = open(&path, &cache, &ScanLimits::default()).unwrap();
        assert_eq!(
            (opened.file.kind, opened.problems.len()),
            (ContainerKind::JsonLines, 0)
        );
        assert_eq!(fs::read_to_string(&opened.file.path).unwrap(), text);
        assert_eq!(records(&opened.file, &ScanLimits::default()).0.len(), 100);
        // Asked again, the same file: what is in the cache is not written again.
        fs::write(&opened.file.path, "{\"from\":\"the cache\"}").unwrap();
        let again = open(&path, &cache, &ScanLimits::default()).unwrap();
        assert_eq!(records(&again.file, &ScanLimits::default()).0.len(), 1);
    }
    assert_eq!(cached(&cache), 2);
    // A changed file takes the place of its older content.
    fs::write(
        folder.join("lines.zst"),
        zstd::encode_all(lines(7).as_bytes(), 1).unwrap(),
    )
    .unwrap();
    let opened = open(&folder.join("lines.zst"), &cache, &ScanLimits::default()).unwrap();
    assert_eq!(records(&opened.file, &ScanLimits::default()).0.len(), 7);
    assert_eq!(cached(&cache), 2);
}

#[test]
fn a_cut_compressed_file_keeps_what_it_has() {
    let folder = folder("cut-compressed");
    let cache = folder.join("cache");
    let text = lines(20_000);
    let packed = gzip(text.as_bytes());
    let path = folder.join("cut.jsonl.gz");
    fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    for _ in 0..2 {
        let opened = open(&path, &cache, &ScanLimits::default()).unwrap();
        assert_eq!(opened.problems.len(), 1);
        assert!(
            opened.problems[0].reason.contains("cut"),
            "{:?}",
            opened.problems
        );
        let (records, _) = records(&opened.file, &ScanLimits::default());
        assert!((5000..15_000).contains(&records.len()), "{}", records.len());
        assert!(
            text.as_bytes()
                .starts_with(&fs::read(&opened.file.path).unwrap())
        );
    }
    assert_eq!(cached(&cache), 1);
    fs::write(&path, &packed[..5]).unwrap();
    let error = open(&path, &cache, &ScanLimits::default()).unwrap_err();
    assert!(matches!(error, ContainerError::Unpack { .. }), "{error}");
    assert_eq!(cached(&cache), 0);
}

#[test]
fn a_bomb_is_refused_and_leaves_nothing() {
    let folder = folder("bomb");
    let cache = folder.join("cache");
    let path = folder.join("bomb.json.gz");
    fs::write(&path, gzip(&vec![b' '; 10 << 20])).unwrap();
    let small = ScanLimits {
        unpacked_bytes: 1 << 20,
        ..ScanLimits::default()
    };
    let error = open(&path, &cache, &small).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("more than the limit of 1048576 bytes"),
        "{error}"
    );
    assert_eq!(cached(&cache), 0);
}

#[test]
fn errors_name_the_compressed_file() {
    let folder = folder("empty-compressed");
    let path = folder.join("empty.json.gz");
    fs::write(&path, gzip(b"")).unwrap();
    let error = open(&path, &folder.join("cache"), &ScanLimits::default()).unwrap_err();
    assert!(matches!(error, ContainerError::Empty { .. }));
    assert!(error.to_string().contains("empty.json.gz"), "{error}");
}

#[test]
fn kinds_are_told_by_content() {
    let folder = folder("kinds");
    let kind = |name: &str, content: &str| {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        for chunk in [1, 1 << 20] {
            let opened = open(&path, &folder.join("cache"), &limits(1000, chunk));
            let kind = opened
                .map(|opened| opened.file.kind)
                .map_err(|error| error.to_string());
            if chunk > 1 {
                return kind;
            }
        }
        unreachable!()
    };
    use ContainerKind::{Json, JsonLines};
    assert_eq!(kind("a", " [1]"), Ok(Json));
    assert_eq!(kind("a", "\u{feff}{\"a\": 1}\n"), Ok(Json));
    assert_eq!(kind("a", "{\"a\": \"}\\\"\"}\r\n\n{\"b\"}"), Ok(JsonLines));
    assert_eq!(kind("a", "{\"a\": 1}\ngarbage"), Ok(JsonLines));
    assert_eq!(kind("a", "{\"a\": 1} {\"b\": 2}"), Ok(Json));
    assert_eq!(kind("a.jsonl", "{\n\"a\": 1}\n"), Ok(Json));
    assert_eq!(kind("a.jsonl", "{\"a\": \n{\"b\": 2}\n"), Ok(JsonLines));
    assert_eq!(kind("a", "{\"a\": \n{\"b\": 2}\n"), Ok(Json));
    assert_eq!(kind("a.NDJSON", "garbage\n{\"b\": 2}\n"), Ok(JsonLines));
    assert!(
        kind("a", "garbage")
            .unwrap_err()
            .contains("it starts with `garbage`")
    );
    assert!(kind("a", "").unwrap_err().contains("empty"));
    assert!(kind("a", " \n").unwrap_err().contains("empty"));
    assert!(kind("a", "[\0").unwrap_err().contains("iconv -f UTF-16LE"));
    let error = open(&folder, &folder, &ScanLimits::default()).unwrap_err();
    assert!(matches!(error, ContainerError::NotAFile { .. }));
}

#[test]
fn a_folder_gives_its_data_files_in_order() {
    let folder = folder("folders");
    for name in [
        "b/2.jsonl.gz",
        "b/1.JSON",
        "a.parquet",
        "notes.txt",
        ".hidden/a.json",
        "b/.c.json",
        ".retake/x.json",
        "c/deep/er/x.arrow",
        "archive.gz",
        "json",
        "z.feather.zst",
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap();
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&folder, folder.join("c/circle")).unwrap();
        std::os::unix::fs::symlink(folder.join("notes.txt"), folder.join("d.json")).unwrap();
    }
    let files = files_in(&folder).unwrap();
    let relative: Vec<_> = files.iter().map(|file| file.relative.as_str()).collect();
    let mut expected = vec![
        "a.parquet",
        "b/1.JSON",
        "b/2.jsonl.gz",
        "c/deep/er/x.arrow",
        "z.feather.zst",
    ];
    if cfg!(unix) {
        expected.insert(4, "d.json");
    }
    assert_eq!(relative, expected);
    assert!(
        files
            .iter()
            .all(|file| file.path == folder.join(&file.relative))
    );
}
