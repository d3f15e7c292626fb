//! Boxes in observations: `[[x1, y1, x2, y2], …]` of M-TRACE's `objectlocation` and `facedetection`, and
//! `(x1, y1, x2, y2) text` of GTA's tools. Pixels of the picture.

use super::effect::PictureBox;

/// More boxes are not drawn.
const MOST: usize = 64;

/// The boxes that a text holds, in order.
pub fn boxes(text: &str) -> Vec<PictureBox> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['[', '(']) {
        let behind = rest.get(open + 1..).unwrap_or_default();
        let close = match rest.as_bytes().get(open) {
            Some(b'[') => ']',
            _ => ')',
        };
        rest = behind;
        let Some(end) = behind.find([']', ')', '[', '(']) else {
            break;
        };
        if !behind[end..].starts_with(close) {
            continue;
        }
        if let Some(corners) = corners(&behind[..end]) {
            let after = &behind[end + 1..];
            let label = match close {
                ')' => label(after),
                _ => String::new(),
            };
            found.push(PictureBox { corners, label });
            rest = after;
            if found.len() == MOST {
                break;
            }
        }
    }
    found
}

/// Four numbers, of which the third is right of the first and the fourth below the second.
fn corners(text: &str) -> Option<[i32; 4]> {
    let mut numbers = text.split(',').map(|part| part.trim().parse::<f64>().ok());
    let mut next = || {
        numbers
            .next()
            .flatten()
            .filter(|n| n.is_finite() && n.abs() < 1e6)
    };
    let corners = [next()?, next()?, next()?, next()?];
    if numbers.next().is_some() || corners[0] >= corners[2] || corners[1] >= corners[3] {
        return None;
    }
    // Shares of a picture's size are no pixels.
    if corners.iter().all(|corner| (0.0..=1.0).contains(corner)) {
        return None;
    }
    Some(corners.map(|corner| corner.round() as i32))
}

/// What stands behind a box on its line, up to the next one.
fn label(after: &str) -> String {
    let line = after.split(['\n', '(', ';']).next().unwrap_or_default();
    let line = line
        .trim()
        .trim_start_matches([':', ','])
        .trim()
        .trim_end_matches(',');
    line.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<([i32; 4], String)> {
        boxes(text)
            .into_iter()
            .map(|found| (found.corners, found.label))
            .collect()
    }

    #[test]
    fn lists_of_boxes() {
        assert_eq!(
            found("The boats: [[10.24, 20.5, 110.0, 80.99], [200, 10, 260, 90]]"),
            [
                ([10, 21, 110, 81], String::new()),
                ([200, 10, 260, 90], String::new())
            ]
        );
        assert_eq!(found("[12, 30, 44, 70]").len(), 1);
        assert_eq!(found("[[1, 2, 3]] [1, 2, 3, 4, 5] [] [a, b, c, d]"), []);
        assert_eq!(
            found("[30, 10, 20, 40]"),
            [],
            "its right side is left of its left one"
        );
        assert_eq!(found("[0.1, 0.2, 0.5, 0.9]"), [], "shares of the size");
    }

    #[test]
    fn boxes_with_texts() {
        assert_eq!(
            found("(5, 6, 70, 80) EXIT\n(9, 90, 20, 99) Gate 4"),
            [
                ([5, 6, 70, 80], "EXIT".to_owned()),
                ([9, 90, 20, 99], "Gate 4".to_owned())
            ]
        );
        assert_eq!(found("print(1, 2) (see page 3)"), []);
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "[\\[\\](),.0-9a \\n漢-]{0,80}") {
            for found in boxes(&text) {
                proptest::prop_assert!(found.corners[0] <= found.corners[2]);
            }
        }
    }
}
