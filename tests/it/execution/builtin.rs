//! Native tools that need a worker: documents and the calculator.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use retake::media::PictureRoots;
use retake::sandbox::{Answer, Call, PythonValue};
use retake::tools::{Provider, Surroundings, built_in};

use super::pool;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn tools(name: &str, files: &[(&str, &[u8])]) -> (Provider, Folder) {
    let folder =
        std::env::temp_dir().join(format!("retake-it-built-in-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
    let surroundings = Surroundings {
        roots: Arc::new(PictureRoots::new(vec![folder.clone()])),
        pictures: folder.join("blobs"),
        pool: pool(),
    };
    (built_in(&surroundings), Folder(folder))
}

fn call(tools: &Provider, name: &str, argument: &str) -> Answer {
    tools.tool(name).unwrap().call(&Call {
        index: 0,
        name: name.to_owned(),
        arguments: vec![PythonValue::Str(argument.to_owned())],
        keywords: Vec::new(),
    })
}

#[test]
fn files_are_read_in_the_worker() {
    let (tools, _folder) = tools(
        "files",
        &[
            ("a.csv", b"x,y\n1,2\n"),
            ("b.txt", "Grüße\n".as_bytes()),
            ("c.pdf", b"%PDF-1.4 broken"),
            ("d.png", b"x"),
        ],
    );
    let read = |name: &str| call(&tools, "inspect_file_as_text", name);
    let text = |text: &str| Answer::Value(PythonValue::Str(text.to_owned()));
    assert_eq!(read("a.csv"), text("| x | y |\n|---|---|\n| 1 | 2 |\n"));
    assert_eq!(read("b.txt"), text("Grüße\n"));
    assert_eq!(
        read("missing.txt"),
        Answer::Error("File not found: missing.txt".to_owned())
    );
    assert!(matches!(read("c.pdf"), Answer::Error(_)));
    assert!(matches!(read("d.png"), Answer::Error(reason) if reason.contains("visualizer")));
    // What its reader did not survive takes nothing else along.
    assert_eq!(read("b.txt"), text("Grüße\n"));
}

#[test]
fn a_pdf_is_text() {
    let content = "BT /F1 12 Tf 72 700 Td (Invoice 4711) Tj ET";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 800] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(pdf.len());
        pdf.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let start = pdf.len();
    pdf.push_str("xref\n0 6\n0000000000 65535 f \n");
    for place in places {
        pdf.push_str(&format!("{place:010} 00000 n \n"));
    }
    pdf.push_str(&format!(
        "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    let (tools, _folder) = tools("pdf", &[("a.pdf", pdf.as_bytes())]);
    let read = call(&tools, "inspect_file_as_text", "a.pdf");
    assert!(
        matches!(&read, Answer::Value(PythonValue::Str(text)) if text.contains("## Page 1") && text.contains("Invoice 4711")),
        "{read:?}"
    );
}

#[test]
fn the_calculator_computes_and_nothing_else() {
    let (tools, _folder) = tools("calculator", &[]);
    for (expression, result) in [
        ("2 + 3 * 4", PythonValue::Int(14)),
        ("(1 +\n 2) ^ 3", PythonValue::Int(27)),
        ("sqrt(16) / 8", PythonValue::Float(0.5)),
        ("round(2.675, 2)", PythonValue::Float(2.67)),
        (
            "2 ^ 100",
            PythonValue::BigInt("1267650600228229401496703205376".to_owned()),
        ),
    ] {
        assert_eq!(
            call(&tools, "calculator", expression),
            Answer::Value(result),
            "{expression}"
        );
    }
    for wrong in [
        "1 / 0",
        "'a'",
        "x",
        "1 +",
        "[1]",
        "open('/etc/passwd')",
        "1)\nprint(2",
        "tool(1)",
    ] {
        let answer = call(&tools, "calculator", wrong);
        assert!(
            matches!(&answer, Answer::Error(message) if !message.is_empty()),
            "{wrong}: {answer:?}"
        );
    }
    // What is too much here may be none elsewhere.
    let endless = call(&tools, "calculator", "9**9**9**9");
    assert!(!matches!(endless, Answer::Value(_)), "{endless:?}");
    let of_gta = call(&tools, "Calculator", "479.99 * 4");
    assert_eq!(of_gta, Answer::Value(PythonValue::Float(1919.96)));
}
