//! What steps print: the results of tools and of plain Python, and the errors. Lengths follow paper §5.

use super::prose::Prose;
use super::random::Random;
use super::tool::Tool;

/// The longest published observation has 17,500 characters; headings and the last sentence come on top of this.
const LONGEST: usize = 16_900;

/// The result of a call.
pub fn result(tool: Tool, prose: &Prose, random: &mut Random) -> String {
    match tool {
        Tool::Search => {
            let length = random.length(1_600.0, 0.75, 300, LONGEST);
            three_parts("Search Result:\n", "Search outcome", prose, random, length)
        }
        Tool::Visualizer => {
            let length = random.length(500.0, 0.9, 40, 6_000);
            prose.text(random, length)
        }
        Tool::Inspect => document(prose, random),
        Tool::Location => boxes(random, 2),
        Tool::Face => boxes(random, 0),
        Tool::Segmentation => format!(".cache/{}.pkl", file_stem(random, 8)),
        Tool::Generator | Tool::Edit => generated_picture(random),
    }
}

fn three_parts(
    head: &str,
    part: &str,
    prose: &Prose,
    random: &mut Random,
    length: usize,
) -> String {
    let [short, long, context] =
        [length / 6, length / 2, length / 3].map(|n| prose.text(random, n));
    format!(
        "{head}### 1. {part} (short version):\n{short}\n\n### 2. {part} (extremely detailed version):\n{long}\n\n\
         ### 3. Additional context:\n{context}\n"
    )
}

fn document(prose: &Prose, random: &mut Random) -> String {
    let length = random.length(1_100.0, 1.3, 60, LONGEST);
    match random.below(4) {
        0 => format!("File not found: data/{}.pdf", file_stem(random, 16)),
        1 => table(prose, random, length),
        2 => three_parts("", "Answer", prose, random, length),
        _ => format!("# {}\n\n{}", prose.name(random), prose.text(random, length)),
    }
}

fn table(prose: &Prose, random: &mut Random, length: usize) -> String {
    let mut table = String::from("## Sheet1\n|");
    let columns = random.between(3, 6);
    for _ in 0..columns {
        table += &format!(" {} |", prose.name(random));
    }
    table += "\n|";
    table += &"---|".repeat(columns);
    while table.len() < length {
        table += &format!("\n| {} |", prose.phrase(random, 2));
        for _ in 1..columns {
            table += &format!(" {} |", Prose::number(random));
        }
    }
    table
}

fn boxes(random: &mut Random, decimals: usize) -> String {
    let count = random.weighted(&[(0, 1.0), (1, 5.0), (2, 4.0), (3, 2.0), (5, 1.0), (9, 0.5)]);
    let boxes = (0..count).map(|_| {
        let (x, y) = (random.unit() * 420.0, random.unit() * 300.0);
        let (width, height) = (20.0 + random.unit() * 200.0, 20.0 + random.unit() * 170.0);
        let corners = [x, y, x + width, y + height].map(|side| format!("{side:.decimals$}"));
        format!("[{}]", corners.join(", "))
    });
    format!("[{}]", boxes.collect::<Vec<_>>().join(", "))
}

/// The path of a picture that a tool made.
pub fn generated_picture(random: &mut Random) -> String {
    let time = 1_727_000_000_000 + random.below(900_000_000);
    format!(".cache/{time}_{}.jpeg", file_stem(random, 8))
}

/// A random name of small letters and digits.
pub fn file_stem(random: &mut Random, length: usize) -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..length)
        .map(|_| char::from(letters[random.below(letters.len())]))
        .collect()
}

/// The observation of a reply without code.
pub const UNPARSED: &str = "Error in code parsing: \nThe code blob you used is invalid: it holds no block between \
```py and ```. Write your reply in this form:\nThought: what you think\nCode:\n```py\n# your code\n```<end_action>. \
Make sure to provide correct code";

/// The error of code that ran and failed.
pub fn execution_error(code: &str, random: &mut Random) -> String {
    let line = code.lines().last().unwrap_or_default();
    let name = line
        .split(['(', ')', ' '])
        .rfind(|word| !word.is_empty())
        .unwrap_or("value");
    let reason = match random.below(4) {
        0 => format!("The variable `{name}` is not defined."),
        1 => format!("'str' object has no attribute '{name}'"),
        2 => "list index out of range".to_owned(),
        _ => "It is not permitted to evaluate other functions than the provided tools or functions defined in \
              previous code (tried to execute open)."
            .to_owned(),
    };
    format!(
        "Code execution failed due to the following error:\nEXECUTION FAILED:\nEvaluation stopped at line '{line}' \
         because of the following error:\n{reason}"
    )
}

/// The error of a service that refused to answer.
pub fn service_error(random: &mut Random) -> String {
    let seconds = random.between(1, 20);
    format!(
        "Code execution failed due to the following error:\nError code: 429 - {{'error': {{'code': '429', \
         'message': 'Too many requests for this model. Please retry after {seconds} seconds.'}}}}"
    )
}
