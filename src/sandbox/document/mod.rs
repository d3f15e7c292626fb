//! Documents as text: only ever inside a worker, because what people attach is hostile until it is read.
//!
//! Every reader is bounded: by what an archive unpacks to, by what it writes, and by the worker's own limits.

mod archive;
mod markup;
mod office;
mod sheet;

/// The most bytes of a file that are read.
pub const MOST_BYTES: usize = 24 << 20;

/// The most text that a document gives; what is more is cut, and said to be.
const MOST_TEXT: usize = 1 << 20;

/// A document's text, or what is wrong with it.
type DocumentReader = fn(&[u8]) -> Result<String, String>;

/// The endings that have a reader of their own; other files are text if they look like it.
const READERS: &[(&[&str], DocumentReader)] = &[
    (&["xlsx", "xlsm", "xlsb", "xls", "ods"], sheet::workbook),
    (&["csv"], |bytes| sheet::separated(&plain(bytes)?, ',')),
    (&["tsv"], |bytes| sheet::separated(&plain(bytes)?, '\t')),
    (&["docx"], office::document),
    (&["pptx"], office::slides),
    (&["pdf"], pdf),
    (&["html", "htm"], |bytes| Ok(markup::page(&plain(bytes)?))),
];

/// A document's content as text in Markdown's manner. `ending` is the file's, in lower case without the dot.
pub(super) fn text_of(ending: &str, bytes: &[u8]) -> Result<String, String> {
    if bytes.len() > MOST_BYTES {
        return Err(format!("the file has more than {MOST_BYTES} bytes"));
    }
    let reader = READERS
        .iter()
        .find(|(endings, _)| endings.contains(&ending));
    let mut text = match reader {
        Some((_, read)) => read(bytes)?,
        None => plain(bytes)?,
    };
    if text.len() > MOST_TEXT {
        let end = (0..=MOST_TEXT)
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push_str("\n[the document goes on]");
    }
    Ok(text)
}

/// The text of a text file. A byte order mark tells UTF-16; anything else that is not UTF-8 is no text.
fn plain(bytes: &[u8]) -> Result<String, String> {
    let units = |big: bool| {
        bytes
            .get(2..)
            .unwrap_or_default()
            .chunks_exact(2)
            .map(move |pair| match pair {
                [a, b] if big => u16::from_be_bytes([*a, *b]),
                [a, b] => u16::from_le_bytes([*a, *b]),
                _ => 0,
            })
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => String::from_utf16(&units(false).collect::<Vec<_>>()).ok(),
        [0xfe, 0xff, ..] => String::from_utf16(&units(true).collect::<Vec<_>>()).ok(),
        _ => std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
            .ok()
            .map(str::to_owned),
    };
    text.filter(|text| !text.contains('\0'))
        .ok_or_else(|| "the file is neither text nor a document that can be read".to_owned())
}

fn pdf(bytes: &[u8]) -> Result<String, String> {
    let pages = pdf_extract::extract_text_from_mem_by_pages(bytes)
        .map_err(|error| format!("the PDF can't be read: {error}"))?;
    let mut text = String::new();
    for (number, page) in (1..).zip(pages) {
        text.push_str(&format!("## Page {number}\n\n{}\n\n", page.trim()));
        if text.len() > MOST_TEXT {
            break;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in files {
            let options = zip::write::SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Deflated);
            writer.start_file(*name, options).expect("started");
            writer.write_all(content.as_bytes()).expect("written");
        }
        writer.finish().expect("finished").into_inner()
    }

    #[test]
    fn text_files_are_text_and_others_are_not() {
        assert_eq!(text_of("txt", "a é\n".as_bytes()), Ok("a é\n".to_owned()));
        assert_eq!(text_of("md", b"\xef\xbb\xbfa"), Ok("a".to_owned()));
        assert_eq!(text_of("txt", b"\xff\xfea\0b\0"), Ok("ab".to_owned()));
        assert!(text_of("bin", b"\x00\x01\x02").is_err());
        assert!(text_of("txt", b"\xc3\x28").is_err());
        assert!(text_of("txt", &vec![b'a'; MOST_BYTES + 1]).is_err());
        let long = text_of("txt", "é".repeat(MOST_TEXT).as_bytes()).expect("cut");
        assert!(long.ends_with("[the document goes on]") && long.len() < MOST_TEXT + 100);
    }

    #[test]
    fn tables_become_rows() {
        let text = text_of("csv", b"name,\"a \"\"b\"\", c\"\nx|y,2\n").expect("read");
        assert_eq!(text, "| name | a \"b\", c |\n|---|---|\n| x\\|y | 2 |\n");
    }

    #[test]
    fn office_files_are_read() {
        let document = archive(&[(
            "word/document.xml",
            "<w:document><w:body><w:p><w:r><w:t>One &amp; </w:t></w:r><w:r><w:t>two</w:t></w:r></w:p>\
             <w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p></w:body></w:document>",
        )]);
        assert_eq!(
            text_of("docx", &document),
            Ok("One & two\na\tb\nc\n".to_owned())
        );
        let slide = |text: &str| format!("<p:sld><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>");
        let (two, ten) = (slide("second"), slide("tenth"));
        let slides = archive(&[
            ("ppt/slides/slide10.xml", &ten),
            ("ppt/slides/slide2.xml", &two),
            ("ppt/other.xml", "<a:t>no slide</a:t>"),
        ]);
        assert_eq!(
            text_of("pptx", &slides),
            Ok("## Slide 2\n\nsecond\n\n## Slide 10\n\ntenth\n\n".to_owned())
        );
        let sheet = archive(&[
            (
                "[Content_Types].xml",
                "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
            ),
            (
                "_rels/.rels",
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
                 Target=\"xl/workbook.xml\"/></Relationships>",
            ),
            (
                "xl/workbook.xml",
                "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
                 xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
                 <sheets><sheet name=\"Costs\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" \
                 Target=\"worksheets/sheet1.xml\"/></Relationships>",
            ),
            (
                "xl/worksheets/sheet1.xml",
                "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>\
                 <row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>rent</t></is></c><c r=\"B1\"><v>1200.5</v></c></row>\
                 </sheetData></worksheet>",
            ),
        ]);
        assert_eq!(
            text_of("xlsx", &sheet),
            Ok("## Costs\n\n| rent | 1200.5 |\n|---|---|\n\n".to_owned())
        );
    }

    #[test]
    fn bombs_and_broken_files_are_refused() {
        let zeros = "0".repeat(80 << 20);
        let bomb = archive(&[("word/document.xml", &zeros)]);
        assert!(bomb.len() < 1 << 20);
        let refused = text_of("docx", &bomb).expect_err("refused");
        assert!(refused.contains("unpacks to more than"), "{refused}");
        assert!(
            text_of("xlsx", &bomb)
                .expect_err("refused")
                .contains("unpacks to more than")
        );
        let crowd: Vec<String> = (0..20_000)
            .map(|n| format!("ppt/slides/slide{n}.xml"))
            .collect();
        let crowd: Vec<(&str, &str)> = crowd.iter().map(|name| (name.as_str(), "")).collect();
        assert!(
            text_of("pptx", &archive(&crowd))
                .expect_err("refused")
                .contains("files")
        );
        for ending in ["docx", "pptx", "xlsx", "xls", "pdf", "ods"] {
            assert!(text_of(ending, b"PK\x03\x04 broken").is_err(), "{ending}");
            assert!(text_of(ending, b"").is_err(), "{ending}");
        }
    }

    #[test]
    fn pages_lose_their_markup() {
        let page = "<html><head><title>T</title><style>p{}</style><script>x()</script></head>\
                    <body><h1>Head</h1><p>One &amp; <b>two</b>&nbsp;&#233;</p><ul><li>a<li>b</ul></body></html>";
        assert_eq!(
            text_of("html", page.as_bytes()),
            Ok("T\nHead\nOne & two é\na\nb\n".to_owned())
        );
    }

    proptest::proptest! {
        #[test]
        fn any_page_is_survived(page in "[<>/a-c!\"'&;# \n-]{0,60}") {
            markup::page(&page);
        }

        #[test]
        fn any_table_is_survived(table in "[,\"a\n\r|]{0,40}") {
            proptest::prop_assert!(sheet::separated(&table, ',').is_ok());
        }
    }
}
