//! Paths of attached files, shaped like those of the published data.

use super::observation;
use super::random::Random;
use super::tool::Attachment;

/// Pictures as `image` names them, and all files as the task names them.
pub fn files(attachment: Attachment, random: &mut Random) -> (Vec<String>, Vec<String>) {
    match attachment {
        Attachment::Nothing => (Vec::new(), Vec::new()),
        Attachment::Document => {
            let ending = random.weighted(&[
                ("pdf", 18.3),
                ("xlsx", 14.5),
                ("docx", 5.0),
                ("csv", 2.3),
                ("mp4", 1.7),
                ("pptx", 0.9),
            ]);
            let stem = observation::file_stem(random, 16);
            (
                Vec::new(),
                vec![format!("data/tongagent/multimodal_file/{stem}.{ending}")],
            )
        }
        Attachment::Pictures => {
            let count = random.weighted(&[(1, 42.0), (2, 6.0), (3, 3.0)]);
            let paths: Vec<_> = (0..count).map(|_| picture_path(random)).collect();
            let under = |root: &str| paths.iter().map(|path| format!("{root}/{path}")).collect();
            (under("data/open_llava_next"), under("data/tongagent"))
        }
    }
}

/// 20.2 of 32.3 pictures are JPEG, the rest PNG.
fn picture_path(random: &mut Random) -> String {
    let number = random.below(600_000);
    match random.below(8) {
        0..=2 => format!("chartqa/train/png/two_col_{}.png", number / 10),
        3 | 4 => format!("coco/train2017/{number:012}.jpg"),
        5 => format!("sam/images/sa_{number}.jpg"),
        6 => format!(
            "llava/llava_pretrain/images/{:05}/{number:09}.jpg",
            number / 10_000
        ),
        _ => format!(
            "share_textvqa/images/{}.jpg",
            observation::file_stem(random, 16)
        ),
    }
}
