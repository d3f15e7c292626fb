use super::archive::Archive;
use super::markup::unescaped;

/// The text of a Word document, a line for each paragraph.
pub(super) fn document(bytes: &[u8]) -> Result<String, String> {
    let mut archive = Archive::open(bytes)?;
    Ok(paragraphs(&archive.read("word/document.xml")?))
}

/// The text of a presentation, slide by slide.
pub(super) fn slides(bytes: &[u8]) -> Result<String, String> {
    let mut archive = Archive::open(bytes)?;
    let number = |name: &str| -> Option<u32> {
        let name = name.strip_prefix("ppt/slides/slide")?;
        name.strip_suffix(".xml")?.parse().ok()
    };
    let mut slides: Vec<(u32, String)> = archive
        .names()
        .into_iter()
        .filter_map(|name| Some((number(&name)?, name)))
        .collect();
    if slides.is_empty() {
        return Err("the presentation has no slides".to_owned());
    }
    slides.sort_unstable();
    let mut text = String::new();
    for (number, name) in slides {
        let slide = paragraphs(&archive.read(&name)?);
        text.push_str(&format!("## Slide {number}\n\n{}\n\n", slide.trim_end()));
    }
    Ok(text)
}

/// The text of paragraphs (`w:p`, `a:p`): runs of `w:t` and `a:t`, tabs and breaks.
fn paragraphs(xml: &str) -> String {
    let mut text = String::new();
    let mut is_text = false;
    for part in xml.split('<').skip(1) {
        let Some((tag, content)) = part.split_once('>') else {
            break;
        };
        let is_end = tag.starts_with('/');
        let name = tag.trim_start_matches('/');
        let name = name
            .split([' ', '/', '\n', '\t', '\r'])
            .next()
            .unwrap_or_default();
        match name.split_once(':').map_or(name, |(_, local)| local) {
            "t" => is_text = !is_end && !tag.ends_with('/'),
            "tab" if !is_end => text.push('\t'),
            "br" | "cr" if !is_end => text.push('\n'),
            "p" if is_end => text.push('\n'),
            _ => {}
        }
        if is_text {
            text.push_str(&unescaped(content));
        }
    }
    text
}
