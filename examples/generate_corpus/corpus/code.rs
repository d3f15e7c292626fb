//! The Python of a step, and what it prints in front of a tool's result.

use super::observation;
use super::prose::Prose;
use super::random::Random;
use super::tool::Tool;

/// A block of code.
pub struct Code {
    /// The Python.
    pub python: String,
    /// What it prints before the result of its tool, or all that it prints.
    pub printed: String,
}

/// Calls a tool; `path` is the picture or document that it works on.
pub fn call(tool: Tool, path: &str, prose: &Prose, random: &mut Random) -> Code {
    let words = random.between(5, 14);
    let (asked, kind) = (prose.phrase(random, words), prose.topic_word(random));
    let variable = prose.variable(random);
    let call = match tool {
        Tool::Search if random.chance(0.4) => format!("ask_search_agent(\"{asked}\")"),
        Tool::Search => format!("ask_search_agent(query=\"What is known about {asked}?\")"),
        Tool::Visualizer => {
            let opening = random.pick(&[
                "What is",
                "Please describe",
                "Extract",
                "How many",
                "Identify",
            ]);
            format!("visualizer(question=\"{opening} {asked}?\", image_path=\"{path}\")")
        }
        Tool::Inspect if random.chance(0.3) => {
            format!("inspect_file_as_text(file_path=\"{path}\")")
        }
        Tool::Inspect => {
            format!("inspect_file_as_text(file_path=\"{path}\", question=\"List {asked}.\")")
        }
        Tool::Location => format!("objectlocation(object=\"{kind}\", image_path=\"{path}\")"),
        Tool::Face => format!("facedetection(image_path=\"{path}\")"),
        Tool::Segmentation => {
            let boxes = if random.chance(0.5) {
                "[]"
            } else {
                "[[34.5, 20.1, 210.7, 188.3]]"
            };
            format!("segmentation(image_path=\"{path}\", prompt={boxes})")
        }
        Tool::Generator => {
            format!(
                "image_generator(prompt=\"A detailed picture of {asked}, high resolution, soft light\")"
            )
        }
        Tool::Edit => {
            format!("image_edit(prompt=\"Replace the {kind} by {asked}\", image_path=\"{path}\")")
        }
    };
    if random.chance(0.45) {
        let label = format!(
            "{} {}:",
            prose.name(random),
            random.pick(&["result", "information", "data", "found"])
        );
        let python = format!("{variable} = {call}\nprint(\"{label}\", {variable})");
        return Code {
            python,
            printed: format!("{label} "),
        };
    }
    let comment = if random.chance(0.3) {
        format!("# {}\n", prose.phrase(random, 6))
    } else {
        String::new()
    };
    Code {
        python: format!("{comment}{variable} = {call}\nprint({variable})"),
        printed: String::new(),
    }
}

/// Computes something without a tool.
pub fn computation(prose: &Prose, random: &mut Random) -> Code {
    let numbers: Vec<usize> = (0..random.between(3, 7))
        .map(|_| random.between(5, 900))
        .collect();
    let list = format!("{numbers:?}");
    let (sum, first, last) = (
        numbers.iter().sum::<usize>(),
        numbers[0],
        numbers[numbers.len() - 1],
    );
    let variable = prose.variable(random);
    let label = prose.name(random);
    match random.below(4) {
        0 => Code {
            python: format!(
                "# Adding up the values\n{variable} = {list}\ntotal = sum({variable})\nprint(\"{label} total:\", total)"
            ),
            printed: format!("{label} total: {sum}"),
        },
        1 => Code {
            python: format!(
                "start_value = {first}\nend_value = {last}\n\n# Relative change in percent\n\
                 growth = (end_value - start_value) / start_value * 100\nprint(f\"{label} growth: {{growth:.2f}}%\")"
            ),
            printed: format!(
                "{label} growth: {:.2}%",
                (last as f64 / first as f64 - 1.0) * 100.0
            ),
        },
        2 => chart(&numbers, prose, random),
        _ => Code {
            python: format!(
                "import statistics\n\n{variable} = {list}\nfor position, value in enumerate({variable}):\n    \
                 if value == max({variable}):\n        print(\"{label} maximum:\", value, \"at position\", position)\n        \
                 break"
            ),
            printed: maximum(&label, &numbers),
        },
    }
}

fn maximum(label: &str, numbers: &[usize]) -> String {
    let value = numbers.iter().max().copied().unwrap_or_default();
    let position = numbers.iter().position(|&n| n == value).unwrap_or_default();
    format!("{label} maximum: {value} at position {position}")
}

fn chart(numbers: &[usize], prose: &Prose, random: &mut Random) -> Code {
    let labels: Vec<_> = numbers.iter().map(|_| prose.name(random)).collect();
    let path = format!(".cache/{}_chart.png", observation::file_stem(random, 8));
    let title = prose.phrase(random, 4);
    let kind = random.pick(&["bar", "plot", "scatter"]);
    Code {
        python: format!(
            "import matplotlib.pyplot as plt\n\n# Data for the chart\nlabels = {labels:?}\nvalues = {numbers:?}\n\n\
             plt.figure(figsize=(10, 6))\nplt.{kind}(labels, values, color='skyblue')\nplt.title('{title}')\n\
             plt.xlabel('{}')\nplt.ylabel('{}')\nplt.xticks(rotation=45)\nplt.tight_layout()\n\n\
             # Saving the chart\nchart_path = '{path}'\nplt.savefig(chart_path)\nplt.close()\n\
             print(\"Chart saved at:\", chart_path)",
            prose.topic_word(random),
            prose.topic_word(random),
        ),
        printed: format!("Chart saved at: {path}"),
    }
}

/// Hands over an answer: the Python, and the answer as text.
pub fn answer(prose: &Prose, random: &mut Random) -> (String, String) {
    match random.below(20) {
        0 => {
            let number = random.between(1, 5_000).to_string();
            (format!("final_answer({number})"), number)
        }
        1..=4 => {
            let items: Vec<_> = (0..random.between(2, 6))
                .map(|_| format!("'{}'", prose.phrase(random, 4)))
                .collect();
            let list = format!("[{}]", items.join(", "));
            let variable = prose.variable(random);
            (
                format!("{variable} = {list}\nfinal_answer({variable})"),
                list,
            )
        }
        5 | 6 => {
            let path = format!(
                "The image is saved at: {}",
                observation::generated_picture(random)
            );
            (format!("final_answer(\"{path}\")"), path)
        }
        _ => {
            let mut text = String::new();
            for number in 0..random.weighted(&[(1, 5.0), (2, 3.0), (4, 2.0), (8, 1.0)]) {
                if number > 0 {
                    text.push(' ');
                }
                prose.sentence(random, &mut text);
            }
            (format!("final_answer(\"{text}\")"), text)
        }
    }
}
