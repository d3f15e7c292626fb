//! The toolkit and how often each tool is called (paper §1 and §2: shares of M-TRACE's calls).

use super::random::Random;

/// A tool of the toolkit, `final_answer` apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tool {
    Search,
    Visualizer,
    Inspect,
    Location,
    Face,
    Segmentation,
    Generator,
    Edit,
}

/// What a task brings along. Together with the weights below it gives the published shares: search 35.3 %, picture
/// questions 21.4, localisation 12.8, files 12.7, segmentation 7.3, faces 4.0, generation 3.3, edits 3.2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    Pictures,
    Document,
    Nothing,
}

/// How many of the tasks have which attachment.
pub const ATTACHMENTS: &[(Attachment, f64)] = &[
    (Attachment::Pictures, 0.51),
    (Attachment::Document, 0.13),
    (Attachment::Nothing, 0.36),
];

impl Attachment {
    /// A tool for a task with this attachment.
    pub fn tool(self, random: &mut Random) -> Tool {
        let weights: &[(Tool, f64)] = match self {
            Attachment::Pictures => &[
                (Tool::Visualizer, 21.4),
                (Tool::Location, 12.8),
                (Tool::Segmentation, 7.3),
                (Tool::Face, 4.0),
                (Tool::Edit, 3.2),
                (Tool::Search, 2.3),
            ],
            Attachment::Document => &[(Tool::Inspect, 12.7), (Tool::Search, 0.3)],
            Attachment::Nothing => &[(Tool::Search, 32.7), (Tool::Generator, 3.3)],
        };
        random.weighted(weights)
    }
}

/// Name, description, inputs and output type, as the system prompt lists them.
pub const DESCRIPTIONS: &[(&str, &str, &str, &str)] = &[
    (
        "visualizer",
        "Looks at a picture and answers a question about it in words.",
        "{'question': {'description': 'what you want to know about the picture', 'type': 'text'}, 'image_path': {'description': 'where the picture is, as a local path', 'type': 'text'}}",
        "text",
    ),
    (
        "facedetection",
        "Finds the faces of people in a picture and returns one box for each of them, in whole pixels.",
        "{'image_path': {'description': 'where the picture is. It has to be a local path of a picture that was given to you or that you made.', 'type': 'text'}}",
        "list",
    ),
    (
        "objectlocation",
        "Finds all objects of one kind in a picture and returns a box [x1, y1, x2, y2] for each of them.",
        "{'object': {'description': 'the kind of object that is to be found', 'type': 'text'}, 'image_path': {'description': 'where the picture is. It has to be a local path of a picture that was given to you or that you made.', 'type': 'text'}}",
        "list",
    ),
    (
        "inspect_file_as_text",
        "Your code can't open documents by itself. This tool reads one for you and returns it as markdown, or answers a question about it. It knows [\".html\", \".htm\", \".xlsx\", \".pptx\", \".wav\", \".mp3\", \".pdf\", \".docx\"] and every plain text format. PICTURES ARE NOT DOCUMENTS: use another tool for them.",
        "{'question': {'description': '[Optional]: a question about the document, as a sentence with all the context it needs. Leave it out to get the whole content.', 'type': 'text'}, 'file_path': {'description': \"where the document is, with its ending, such as '.pdf'. Neither a picture nor a Web address.\", 'type': 'text'}}",
        "text",
    ),
    (
        "image_generator",
        "Paints a new picture from a description in words and returns the path at which it was saved.",
        "{'prompt': {'type': 'text', 'description': \"the description. The more details it has, the better: light, style, colours, 'wide angle', and so on.\"}}",
        "text",
    ),
    (
        "segmentation",
        "Does instance segmentation of a picture and returns the path of a file with the masks.",
        "{'image_path': {'description': 'where the picture is.', 'type': 'text'}, 'prompt': {'description': 'boxes around what is to be segmented, from the task or from `objectlocation`. An empty list segments everything.', 'type': 'list'}}",
        "text",
    ),
    (
        "image_edit",
        "Changes a given picture as described and returns the path of the result, which you can print.",
        "{'prompt': {'description': 'what is to be changed, in words.', 'type': 'text'}, 'image_path': {'description': 'where the picture is.', 'type': 'text'}}",
        "text",
    ),
    (
        "ask_search_agent",
        "Hands a question to a colleague who searches the Web for you and reports what was found. Good at finding, not at reasoning: split a problem into things that somebody may have written down. Say which years, places or sources matter. Longer searches, such as comparing two pages, are fine too.",
        "{'query': {'description': \"the question, as a whole sentence. The reader is a person and knows nothing about your task. 'otter numbers 2015' IS A BAD QUERY; 'How many otters were counted in Scottish rivers in 2015?' is a good one.\", 'type': 'text'}}",
        "text",
    ),
    (
        "final_answer",
        "Hands over the answer and ends the task.",
        "{'answer': {'type': 'text', 'description': 'the answer'}}",
        "any",
    ),
];
