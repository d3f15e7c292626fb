//! Files that mean harm or were damaged, for tests of reading: what is whole in them has to survive, what is broken
//! has to become a warning, and nothing may panic.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// One kind of hostile file.
pub struct HostileFile {
    /// Its name; the ending tells an array (`.json`) from lines (`.jsonl`).
    pub name: &'static str,
    /// Ids of the records that have to be read, in order.
    pub intact: &'static [&'static str],
    /// Whether reading it has to leave a warning.
    pub warns: bool,
    /// Writes its content.
    write: fn(&mut dyn Write) -> io::Result<()>,
}

impl HostileFile {
    /// Writes the file into a folder and returns its path.
    pub fn write_into(&self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join(self.name);
        let mut file = BufWriter::new(File::create(&path)?);
        (self.write)(&mut file)?;
        file.flush()?;
        Ok(path)
    }
}

/// The file of this name.
pub fn hostile_file(name: &str) -> &'static HostileFile {
    HOSTILE_FILES.iter().find(|file| file.name == name).unwrap()
}

/// Bytes of the long string of `long_string.jsonl`.
pub const LONG_STRING: usize = 100 << 20;
/// Arrays inside each other in `deep_nesting.json`.
pub const DEPTH: usize = 10_000;

const AROUND: &[&str] = &["before", "after"];

/// All of them.
pub static HOSTILE_FILES: &[HostileFile] = &[
    HostileFile {
        name: "invalid_utf8.json",
        intact: AROUND,
        warns: true,
        write: |out| {
            between(
                out,
                &record_with("broken", b"caf\xc3 \xff\xfe \xc0\x80 \xed\xa0\x80"),
            )
        },
    },
    HostileFile {
        name: "nul_bytes.json",
        intact: AROUND,
        warns: true,
        write: |out| between(out, &record_with("broken", b"one\0two\0\0")),
    },
    HostileFile {
        name: "long_string.jsonl",
        intact: AROUND,
        warns: true,
        write: long_string,
    },
    HostileFile {
        name: "deep_nesting.json",
        intact: AROUND,
        warns: true,
        write: |out| {
            let value = ["[".repeat(DEPTH), "]".repeat(DEPTH)].concat();
            between(
                out,
                format!(r#"{{"id": "deep", "conversations": {value}}}"#).as_bytes(),
            )
        },
    },
    HostileFile {
        name: "unclosed_nesting.json",
        intact: &["before"],
        warns: true,
        write: |out| {
            out.write_all(b"[")?;
            out.write_all(&record("before"))?;
            write!(out, ", {}", r#"{"conversations": ["#.repeat(DEPTH))
        },
    },
    HostileFile {
        name: "duplicate_ids.json",
        intact: &["twin", "twin", "twin"],
        warns: false,
        write: |out| {
            let twins =
                [b"one".as_slice(), b"two", b"two"].map(|answer| record_with("twin", answer));
            array(out, &twins)
        },
    },
    HostileFile {
        name: "duplicate_keys.json",
        intact: AROUND,
        warns: false,
        write: |out| {
            let twice = String::from_utf8(record("twice")).unwrap();
            between(
                out,
                twice.replacen('{', r#"{"answer": "no", "#, 1).as_bytes(),
            )
        },
    },
    HostileFile {
        name: "empty.json",
        intact: &[],
        warns: true,
        write: |_| Ok(()),
    },
    HostileFile {
        name: "white_space.json",
        intact: &[],
        warns: true,
        write: |out| out.write_all(" \t\r\n".repeat(2_000).as_bytes()),
    },
    HostileFile {
        name: "garbage.json",
        intact: &[],
        warns: true,
        write: garbage,
    },
    HostileFile {
        name: "truncated_array.json",
        intact: AROUND,
        warns: true,
        write: |out| {
            let cut = record("cut");
            out.write_all(b"[")?;
            for id in AROUND {
                out.write_all(&record(id))?;
                out.write_all(b",\n")?;
            }
            out.write_all(&cut[..cut.len() / 2])
        },
    },
    HostileFile {
        name: "cut_in_character.jsonl",
        intact: &["before"],
        warns: true,
        write: |out| {
            out.write_all(&record("before"))?;
            let cut = record_with("cut", "Zürich".as_bytes());
            let middle = cut.iter().position(|&byte| byte == 0xc3).unwrap();
            out.write_all(b"\n")?;
            out.write_all(&cut[..=middle])
        },
    },
    HostileFile {
        name: "trailing_garbage.json",
        intact: AROUND,
        warns: true,
        write: |out| {
            array(out, &AROUND.iter().map(|id| record(id)).collect::<Vec<_>>())?;
            out.write_all(b"\n]}{ and more")
        },
    },
    HostileFile {
        name: "utf16_little.json",
        intact: &[],
        warns: true,
        write: |out| utf16(out, u16::to_le_bytes),
    },
    HostileFile {
        name: "utf16_big.json",
        intact: &[],
        warns: true,
        write: |out| utf16(out, u16::to_be_bytes),
    },
    HostileFile {
        name: "not_objects.json",
        intact: &[],
        warns: true,
        write: |out| out.write_all(br#"[1, "text", null, true, -0.5e3, [], [{}], {}]"#),
    },
    HostileFile {
        name: "wrong_types.json",
        intact: AROUND,
        warns: true,
        write: |out| {
            let wrong = r#"{"id": 7, "image": [[]], "correct": {}, "answer": [null], "conversations": "none"}"#;
            between(out, wrong.as_bytes())
        },
    },
    HostileFile {
        name: "huge_numbers.json",
        intact: AROUND,
        warns: false,
        write: |out| {
            let number = "9".repeat(400);
            let fields =
                format!(r#"{{"score": 1e999999, "count": -{number}, "tiny": 0.{number}e-400, "#);
            let numbers = String::from_utf8(record("numbers")).unwrap();
            between(out, numbers.replacen('{', &fields, 1).as_bytes())
        },
    },
    HostileFile {
        name: "lone_surrogates.json",
        intact: AROUND,
        warns: true,
        write: |out| {
            between(
                out,
                &record_with("broken", br"half \ud83d, other half \ude00, \udfff\ud800"),
            )
        },
    },
    HostileFile {
        name: "terminal_escapes.json",
        intact: &["escapes"],
        warns: false,
        write: |out| {
            let text = r"\u001b[2J\u001b]0;title\u0007\u001b]52;c;aGk=\u0007\u0000\u009b31m \u202eback\r\b\b";
            array(out, &[record_with("escapes", text.as_bytes())])
        },
    },
    HostileFile {
        name: "crlf.jsonl",
        intact: &["before", "between", "after"],
        warns: false,
        write: |out| {
            for id in ["before", "between", "after"] {
                out.write_all(&record(id))?;
                out.write_all(b"\r\n")?;
            }
            Ok(())
        },
    },
    HostileFile {
        name: "broken_line.jsonl",
        intact: AROUND,
        warns: true,
        write: |out| {
            out.write_all(&record("before"))?;
            out.write_all(b"\n{\"id\": \"open, \"conversations\": [\n\n")?;
            out.write_all(&record("after"))?;
            out.write_all(b"\n")
        },
    },
    HostileFile {
        name: "bom.json",
        intact: AROUND,
        warns: false,
        write: |out| {
            out.write_all(b"\xef\xbb\xbf")?;
            array(out, &AROUND.iter().map(|id| record(id)).collect::<Vec<_>>())
        },
    },
];

/// A small record of the M-TRACE form, on one line.
fn record(id: &str) -> Vec<u8> {
    record_with(id, b"4")
}

/// The same with these bytes inside the string of its answer.
fn record_with(id: &str, answer: &[u8]) -> Vec<u8> {
    let start = format!(r#"{{"id": "{id}", "image": {{}}, "correct": "yes", "answer": ""#);
    let end = concat!(
        r#"", "conversations": [{"from": "system", "value": "You are careful."}, "#,
        r#"{"from": "user", "value": "Task: Add two and two.\n"}, {"from": "assistant", "#,
        r#""value": "Thought: Two and two are four.\n\nCode:\n```py\nfinal_answer(4)\n```"}], "#,
        r#""traj_verification": "{\"thought\": \"Right.\", \"correct\": \"yes\"}"}"#,
    );
    [start.as_bytes(), answer, end.as_bytes()].concat()
}

fn array(out: &mut dyn Write, records: &[Vec<u8>]) -> io::Result<()> {
    out.write_all(b"[\n")?;
    out.write_all(&records.join(b",\n".as_slice()))?;
    out.write_all(b"\n]\n")
}

/// An array of a whole record, something else, and a whole record.
fn between(out: &mut dyn Write, middle: &[u8]) -> io::Result<()> {
    array(out, &[record("before"), middle.to_vec(), record("after")])
}

fn long_string(out: &mut dyn Write) -> io::Result<()> {
    let marked = String::from_utf8(record_with("long", b"|")).unwrap();
    let (start, end) = marked.split_once('|').unwrap();
    out.write_all(&record("before"))?;
    write!(out, "\n{start}")?;
    let block = [b'a'; 1 << 16];
    for _ in 0..LONG_STRING / block.len() {
        out.write_all(&block)?;
    }
    writeln!(out, "{end}")?;
    out.write_all(&record("after"))?;
    out.write_all(b"\n")
}

fn garbage(out: &mut dyn Write) -> io::Result<()> {
    let mut state = 1_u64;
    for _ in 0..8_192 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        out.write_all(&[(state >> 56) as u8])?;
    }
    Ok(())
}

/// An array of two records, with a byte order mark.
fn utf16(out: &mut dyn Write, bytes: fn(u16) -> [u8; 2]) -> io::Result<()> {
    let mut text = b"\xef\xbb\xbf".to_vec();
    array(&mut text, &[record("before"), record("after")])?;
    for unit in String::from_utf8(text).unwrap().encode_utf16() {
        out.write_all(&bytes(unit))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::user::TemporaryFolder;

    fn bytes_of(folder: &Path, name: &str) -> Vec<u8> {
        fs::read(hostile_file(name).write_into(folder).unwrap()).unwrap()
    }

    /// Whether a plain JSON parser takes the file and each of its records.
    fn parses(name: &str, bytes: &[u8]) -> bool {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if name.ends_with(".json") {
            return serde_json::from_slice::<Vec<Box<RawValue>>>(bytes).is_ok();
        }
        serde_json::Deserializer::from_slice(bytes)
            .into_iter::<Box<RawValue>>()
            .all(|r| r.is_ok())
    }

    #[test]
    fn files_are_as_described() {
        let folder = TemporaryFolder::new("hostile-files");
        for file in HOSTILE_FILES {
            let bytes = fs::read(file.write_into(&folder.0).unwrap()).unwrap();
            let mut rest = bytes.as_slice();
            for id in file.intact {
                let whole = record_with(id, b"");
                let start = &whole[..whole.iter().position(|&byte| byte == b',').unwrap()];
                let at = rest.windows(start.len()).position(|window| window == start);
                let at = at.unwrap_or_else(|| panic!("{}: no record `{id}`", file.name));
                rest = &rest[at + 1..];
            }
            assert!(
                file.warns || parses(file.name, &bytes),
                "{} is broken unawares",
                file.name
            );
        }
    }

    #[test]
    fn each_file_has_the_fault_of_its_name() {
        let folder = TemporaryFolder::new("hostile-faults");
        let bytes = |name| bytes_of(&folder.0, name);
        let count = |name, byte| bytes(name).iter().filter(|&&other| other == byte).count();

        for name in [
            "invalid_utf8.json",
            "cut_in_character.jsonl",
            "garbage.json",
        ] {
            assert!(String::from_utf8(bytes(name)).is_err(), "{name}");
        }
        for name in [
            "truncated_array.json",
            "trailing_garbage.json",
            "broken_line.jsonl",
        ] {
            assert!(!parses(name, &bytes(name)), "{name}");
        }
        assert!(count("nul_bytes.json", 0) == 3);
        assert!(count("deep_nesting.json", b'[') > DEPTH);
        assert!(count("unclosed_nesting.json", b'{') >= DEPTH);
        assert!(count("long_string.jsonl", b'a') >= LONG_STRING);
        assert_eq!(bytes("empty.json"), b"");
        assert!(bytes("white_space.json").trim_ascii().is_empty());
        assert!(bytes("utf16_little.json").starts_with(b"\xff\xfe[\0"));
        assert!(bytes("utf16_big.json").starts_with(b"\xfe\xff\0["));
        assert!(bytes("bom.json").starts_with(b"\xef\xbb\xbf["));
        assert!(bytes("crlf.jsonl").ends_with(b"}\r\n"));
        let surrogates: Vec<Box<RawValue>> =
            serde_json::from_slice(&bytes("lone_surrogates.json")).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(surrogates[1].get()).is_err());
        let twice = String::from_utf8(bytes("duplicate_keys.json")).unwrap();
        assert_eq!(twice.matches("\"answer\"").count(), 4);
    }
}
