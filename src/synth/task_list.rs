use std::path::Path;

use serde::Deserialize;

use super::error::SynthError;

/// A task of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedTask {
    /// Its name in the list; its line without one.
    #[serde(default)]
    pub id: Option<String>,
    /// What is asked.
    #[serde(alias = "query", alias = "question")]
    pub task: String,
    /// Files that belong to it; pictures among them are shown.
    #[serde(default)]
    pub files: Vec<String>,
}

/// Reads a list of tasks: a line each, which is the task itself or an object `{"id", "task", "files"}`. Empty lines are passed over.
pub fn read_task_list(path: &Path) -> Result<Vec<ListedTask>, SynthError> {
    let text = std::fs::read_to_string(path).map_err(|source| SynthError::File {
        path: path.to_owned(),
        doing: "read",
        source,
    })?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let tasks = lines.map(|(number, line)| {
        let line = line.trim();
        let mut task: ListedTask = match line.starts_with('{') {
            false => ListedTask {
                id: None,
                task: line.to_owned(),
                files: Vec::new(),
            },
            true => serde_json::from_str(line).map_err(|error| SynthError::TaskList {
                path: path.to_owned(),
                line: number + 1,
                reason: error.to_string(),
            })?,
        };
        task.id.get_or_insert_with(|| (number + 1).to_string());
        Ok(task)
    });
    tasks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_task_or_says_more_of_it() {
        let path = std::env::temp_dir().join(format!("retake-tasks-{}", std::process::id()));
        let text = "How many boats?\n\n{\"id\": \"b\", \"query\": \"And cars?\", \"files\": [\"a.png\"]}\n";
        std::fs::write(&path, text).unwrap();
        let tasks = read_task_list(&path).unwrap();
        let shape: Vec<_> = tasks
            .iter()
            .map(|t| (t.id.as_deref(), t.task.as_str(), t.files.len()))
            .collect();
        assert_eq!(
            shape,
            [
                (Some("1"), "How many boats?", 0),
                (Some("b"), "And cars?", 1)
            ]
        );
        std::fs::write(&path, "a\n{\"files\": []}\n").unwrap();
        let error = read_task_list(&path).unwrap_err();
        assert!(error.to_string().starts_with("line 2 of "), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(
            read_task_list(&path),
            Err(SynthError::File { .. })
        ));
    }
}
