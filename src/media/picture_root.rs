use std::path::{Component, Path, PathBuf};

use super::MediaError;
use crate::domain::{Attachment, FileLookup, PictureReference};

/// The folders below which the files that data names are looked for, and never outside.
#[derive(Debug, Clone, Default)]
pub struct PictureRoots {
    /// As given, and with links resolved where the folder is there.
    roots: Vec<(PathBuf, Option<PathBuf>)>,
}

/// What became of one try.
enum Try {
    Found(PathBuf),
    Outside,
    Missing,
}

impl PictureRoots {
    /// Roots in the order in which they are tried. A root that is not there (an unmounted disk) holds nothing.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        let resolved = |root: PathBuf| {
            let real = root.canonicalize().ok();
            (root, real)
        };
        Self {
            roots: roots.into_iter().map(resolved).collect(),
        }
    }

    /// The roots as they were given, in the order in which they are tried.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.roots.iter().map(|(root, _)| root.as_path())
    }

    /// The file that a path in data names, with links resolved.
    ///
    /// The path is tried below each root as it is, then without its first component, without its first two and so on
    /// while a folder and a file name remain: M-TRACE names `data/open_llava_next/coco/a.jpg`, and a root may hold
    /// `data` or `coco`. A path of two components (GTA's `image/image_1.jpg`) is also tried by its file name alone.
    /// Paths that leave the roots (`..`, absolute, through a link) are refused.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, MediaError> {
        let bad = |reason| MediaError::BadPath {
            path: path.to_owned(),
            reason,
        };
        if path.contains('\0') {
            return Err(bad("it holds a NUL byte"));
        }
        if path.trim().is_empty() {
            return Err(bad("it is empty"));
        }
        let outside = || MediaError::Outside {
            path: path.to_owned(),
        };
        if Path::new(path).has_root() {
            return match self.absolute(Path::new(path)) {
                Try::Found(file) => Ok(file),
                Try::Outside => Err(outside()),
                Try::Missing => Err(MediaError::NotFound {
                    path: path.to_owned(),
                }),
            };
        }
        let parts = inner_parts(Path::new(path)).ok_or_else(outside)?;
        let least = if parts.len() > 2 { 2 } else { 1 };
        let mut leads_out = false;
        for skipped in 0..=parts.len().saturating_sub(least) {
            let tail: PathBuf = parts.iter().skip(skipped).collect();
            for root in self.roots.iter().filter_map(|(_, real)| real.as_ref()) {
                match self.existing(&root.join(&tail)) {
                    Try::Found(file) => return Ok(file),
                    Try::Outside => leads_out = true,
                    Try::Missing => {}
                }
            }
        }
        if leads_out {
            return Err(outside());
        }
        Err(MediaError::NotFound {
            path: path.to_owned(),
        })
    }

    /// Whether there is no root at all, so that nothing is known of any file.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The file of an attachment, under its path or its alias.
    pub fn resolve_attachment(&self, attachment: &Attachment) -> Result<PathBuf, MediaError> {
        let first = match &attachment.reference {
            PictureReference::Path(path) => self.resolve(path),
            PictureReference::Url(url) => Err(MediaError::Address { url: url.clone() }),
            PictureReference::Inline(_) => Err(MediaError::NotFound {
                path: attachment.reference.label().to_owned(),
            }),
        };
        match (&attachment.alias, first) {
            (Some(alias), Err(error)) => self.resolve(alias).map_err(|_| error),
            (_, first) => first,
        }
    }

    /// An absolute path, where it is spelled as being inside a root.
    fn absolute(&self, path: &Path) -> Try {
        let spelled_inside = |root: &Path| {
            path.strip_prefix(root)
                .is_ok_and(|rest| inner_parts(rest).is_some())
        };
        let roots = self
            .roots
            .iter()
            .flat_map(|(root, real)| [Some(root), real.as_ref()]);
        if roots.flatten().any(|root| spelled_inside(root)) {
            self.existing(path)
        } else {
            Try::Outside
        }
    }

    /// Follows links; only a plain file inside a root is found (opening a pipe would wait forever).
    fn existing(&self, path: &Path) -> Try {
        let Ok(real) = path.canonicalize() else {
            return Try::Missing;
        };
        let mut roots = self.roots.iter().filter_map(|(_, real)| real.as_ref());
        if !roots.any(|root| real.starts_with(root)) {
            return Try::Outside;
        }
        if real.is_file() {
            Try::Found(real)
        } else {
            Try::Missing
        }
    }
}

impl FileLookup for PictureRoots {
    fn exists(&self, reference: &PictureReference) -> Option<bool> {
        match reference {
            PictureReference::Inline(_) => Some(true),
            PictureReference::Url(_) => None,
            PictureReference::Path(_) if self.roots.is_empty() => None,
            PictureReference::Path(path) => match self.resolve(path) {
                Ok(_) => Some(true),
                // What lies outside the roots is not looked at.
                Err(MediaError::Outside { .. }) => None,
                Err(_) => Some(false),
            },
        }
    }
}

/// The components of a relative path with `.` and `..` worked out; `None` where `..` climbs out of it.
fn inner_parts(path: &Path) -> Option<Vec<&std::ffi::OsStr>> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder of this test's own, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("retake-roots-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("folder");
            Self(path.canonicalize().expect("real"))
        }

        fn file(&self, path: &str) -> PathBuf {
            let file = self.0.join(path);
            fs::create_dir_all(file.parent().expect("parent")).expect("folder");
            fs::write(&file, "x").expect("file");
            file
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn is_outside(result: Result<PathBuf, MediaError>) -> bool {
        matches!(result, Err(MediaError::Outside { .. }))
    }

    fn is_not_found(result: Result<PathBuf, MediaError>) -> bool {
        matches!(result, Err(MediaError::NotFound { .. }))
    }

    #[test]
    fn a_root_may_stand_anywhere_above_the_file() {
        let folder = Folder::new("above");
        let file = folder.file("data/set/birds/a.jpg");
        for root in ["", "data", "data/set", "data/set/.."] {
            let roots = PictureRoots::new(vec![PathBuf::from("/nowhere"), folder.0.join(root)]);
            assert_eq!(
                roots.resolve("data/set/birds/a.jpg").ok(),
                Some(file.clone()),
                "{root}"
            );
            assert_eq!(
                roots.resolve("./data//set/x/../birds/a.jpg").ok(),
                Some(file.clone()),
                "{root}"
            );
        }
        // The folder's own name must match, else any `a.jpg` would do.
        let roots = PictureRoots::new(vec![folder.0.join("data/set/birds")]);
        assert!(is_not_found(roots.resolve("data/set/birds/a.jpg")));
        assert_eq!(roots.resolve("birds/a.jpg").ok(), Some(file.clone()));
        assert_eq!(roots.resolve("a.jpg").ok(), Some(file));
    }

    #[test]
    fn the_longest_match_wins_before_the_order_of_roots() {
        let folder = Folder::new("order");
        folder.file("one/birds/a.jpg");
        let exact = folder.file("two/set/birds/a.jpg");
        let roots = PictureRoots::new(vec![folder.0.join("one"), folder.0.join("two")]);
        assert_eq!(roots.resolve("set/birds/a.jpg").ok(), Some(exact));
    }

    #[test]
    fn paths_that_leave_the_roots_are_refused() {
        let folder = Folder::new("leave");
        let secret = folder.file("secret.txt");
        let inside = folder.file("root/birds/a.jpg");
        let root = folder.0.join("root");
        let roots = PictureRoots::new(vec![root.clone()]);
        for path in [
            "../secret.txt",
            "birds/../../secret.txt",
            "birds/../../root/birds/a.jpg",
            "..",
            "/etc/passwd",
        ] {
            assert!(is_outside(roots.resolve(path)), "{path}");
        }
        assert!(is_outside(roots.resolve(&secret.to_string_lossy())));
        let sneaky = format!("{}/../secret.txt", root.to_string_lossy());
        assert!(is_outside(roots.resolve(&sneaky)));
        assert_eq!(roots.resolve(&inside.to_string_lossy()).ok(), Some(inside));
        assert!(is_not_found(
            roots.resolve(&root.join("no.jpg").to_string_lossy())
        ));
        assert!(is_not_found(roots.resolve("birds")), "a folder is no file");
        for path in ["a\0.jpg", "", " "] {
            assert!(
                matches!(roots.resolve(path), Err(MediaError::BadPath { .. })),
                "{path:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        use std::os::unix::fs::symlink;
        let folder = Folder::new("links");
        folder.file("secret/key.jpg");
        let inside = folder.file("root/birds/a.jpg");
        let root = folder.0.join("root");
        symlink(folder.0.join("secret/key.jpg"), root.join("birds/out.jpg")).expect("link");
        symlink(folder.0.join("secret"), root.join("way")).expect("link");
        symlink(&inside, root.join("birds/in.jpg")).expect("link");
        symlink(root.join("birds/loop.jpg"), root.join("birds/loop.jpg")).expect("link");
        let roots = PictureRoots::new(vec![root.clone()]);
        assert!(is_outside(roots.resolve("birds/out.jpg")));
        assert!(is_outside(roots.resolve("way/key.jpg")));
        assert!(is_outside(
            roots.resolve(&root.join("way/key.jpg").to_string_lossy())
        ));
        assert!(is_not_found(roots.resolve("birds/loop.jpg")));
        assert_eq!(roots.resolve("birds/in.jpg").ok(), Some(inside.clone()));
        // A root that is itself a link is what it leads to.
        symlink(&root, folder.0.join("linked")).expect("link");
        let linked = PictureRoots::new(vec![folder.0.join("linked")]);
        assert_eq!(linked.resolve("birds/a.jpg").ok(), Some(inside.clone()));
        let spelled = folder.0.join("linked/birds/a.jpg");
        assert_eq!(
            linked.resolve(&spelled.to_string_lossy()).ok(),
            Some(inside)
        );
    }

    #[test]
    fn lookups_say_what_can_be_known() {
        let folder = Folder::new("lookup");
        folder.file("birds/a.jpg");
        let roots = PictureRoots::new(vec![folder.0.clone()]);
        let path = |text: &str| PictureReference::Path(text.to_owned());
        assert_eq!(roots.exists(&path("birds/a.jpg")), Some(true));
        assert_eq!(roots.exists(&path("birds/b.jpg")), Some(false));
        assert_eq!(roots.exists(&path("/etc/passwd")), None);
        assert_eq!(
            roots.exists(&PictureReference::Url("https://x.org/a.jpg".to_owned())),
            None
        );
        assert_eq!(PictureRoots::default().exists(&path("birds/a.jpg")), None);
    }

    #[test]
    fn an_attachment_is_found_under_its_alias() {
        let folder = Folder::new("alias");
        let file = folder.file("agent/birds/a.jpg");
        let roots = PictureRoots::new(vec![folder.0.clone()]);
        let mut attachment = Attachment::from_path("pictures/other/a.jpg", true);
        assert!(is_not_found(roots.resolve_attachment(&attachment)));
        attachment.alias = Some("agent/birds/a.jpg".to_owned());
        assert_eq!(roots.resolve_attachment(&attachment).ok(), Some(file));
    }

    proptest::proptest! {
        #[test]
        fn no_path_reaches_a_file_outside(parts in proptest::collection::vec(
            proptest::sample::select(vec!["..", ".", "/", "secret", "root", "birds", "a.jpg", "\\", " "]), 0..10)) {
            static FOLDER: std::sync::LazyLock<(Folder, PictureRoots)> = std::sync::LazyLock::new(|| {
                let folder = Folder::new("any");
                folder.file("secret");
                folder.file("root/birds/a.jpg");
                let roots = PictureRoots::new(vec![folder.0.join("root")]);
                (folder, roots)
            });
            if let Ok(found) = FOLDER.1.resolve(&parts.join("/")) {
                proptest::prop_assert!(found.starts_with(FOLDER.0.0.join("root")));
            }
        }
    }
}
