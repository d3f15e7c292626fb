"""Loads data modules of trainers alone: their packages want torch and more, their data code hardly does.

What is loaded is the trainers' own code. What it imports beside that is a stand-in that records warnings, or does nothing.
"""
import importlib
import importlib.machinery
import importlib.util
import sys
import types
from contextlib import contextmanager
from pathlib import Path


class Log:
    """A logger whose every method keeps what it is told."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, _):
        return lambda message="", *args, **kwargs: self.lines.append(str(message))


class Standin(types.ModuleType):
    """A module that has whatever is asked of it."""

    def __init__(self, name, **members):
        super().__init__(name)
        self.__spec__ = importlib.machinery.ModuleSpec(name, None)
        self.__path__ = []
        self.__dict__.update(members)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *args, **kwargs: None})


def package_folder(name):
    """Where a package lies, found without running it."""
    return Path(importlib.util.find_spec(name).submodule_search_locations[0])


def bare_package(name):
    """The package of that name without what its `__init__` does."""
    top, *rest = name.split(".")
    package = types.ModuleType(name)
    package.__path__ = [str(package_folder(top).joinpath(*rest))]
    package.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    return package


@contextmanager
def loaded(*modules):
    """Modules in the places of others while something is imported."""
    before = {module.__name__: sys.modules.get(module.__name__) for module in modules}
    sys.modules.update({module.__name__: module for module in modules})
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def llamafactory(log):
    """`llamafactory.data.parser` and `llamafactory.data.converter`."""
    packages = [bare_package(name) for name in ("llamafactory", "llamafactory.data", "llamafactory.extras")]
    logging = Standin("llamafactory.extras.logging", get_logger=lambda name: log)
    packages[2].logging = logging
    constants = Standin("llamafactory.extras.constants", DATA_CONFIG="dataset_info.json")
    no = lambda: False  # noqa: E731
    misc = Standin("llamafactory.extras.misc", use_modelscope=no, use_openmind=no)
    with loaded(*packages, logging, constants, misc):
        return (importlib.import_module("llamafactory.data.parser"), importlib.import_module("llamafactory.data.converter"))


def ms_swift(log):
    """`swift.dataset.preprocessor.core` and `swift.template.template_inputs`."""
    names = ("swift", "swift.dataset", "swift.dataset.preprocessor", "swift.template")
    packages = [bare_package(name) for name in names]
    folder = package_folder("swift")
    spec = importlib.util.spec_from_file_location("swift_schema_utils", folder / "utils/schema_utils.py")
    schema = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(schema)
    utils = Standin(
        "swift.utils",
        get_logger=lambda: log,
        TOOL_KEYS=schema.TOOL_KEYS,
        remove_arrow_padding=schema.remove_arrow_padding,
    )
    modelscope = Standin("modelscope.hub.utils.utils", get_cache_dir=lambda: "")
    outer = [Standin(name) for name in ("modelscope", "modelscope.hub", "modelscope.hub.utils")]
    # These stay: the preprocessor asks for this error when it runs.
    packages[3].MaxLengthError = type("MaxLengthError", (ValueError,), {})
    sys.modules.update({package.__name__: package for package in packages})
    with loaded(utils, *outer, modelscope, Standin("torch")):
        inputs = importlib.import_module("swift.template.template_inputs")
        packages[3].history_to_messages = importlib.import_module("swift.template.utils").history_to_messages
        return importlib.import_module("swift.dataset.preprocessor.core"), inputs


def axolotl(log):
    """`axolotl.prompt_strategies.dpo.chat_template`, `axolotl.processing_strategies` and `axolotl.utils.dict`."""
    names = ("axolotl", "axolotl.utils", "axolotl.utils.schemas", "axolotl.prompt_strategies", "axolotl.prompt_strategies.dpo")
    packages = [bare_package(name) for name in names]
    logging = Standin("axolotl.utils.logging", get_logger=lambda name: log)
    models = [
        Standin(f"transformers.models.{name}", **{processor: type(processor, (), {})})
        for name, processor in [("internvl", "InternVLProcessor"), ("smolvlm", "SmolVLMProcessor"), ("voxtral", "VoxtralProcessor")]
    ]
    with loaded(*packages, logging, *models, Standin("torch")):
        parts = ("prompt_strategies.dpo.chat_template", "processing_strategies", "utils.dict")
        return [importlib.import_module(f"axolotl.{part}") for part in parts]


def axolotl_steps():
    """`axolotl.prompt_strategies.stepwise_supervised`."""
    packages = [bare_package(name) for name in ("axolotl", "axolotl.utils", "axolotl.prompt_strategies")]
    tokenizers = Standin("axolotl.prompt_tokenizers", IGNORE_INDEX=-100)
    with loaded(*packages, tokenizers):
        return importlib.import_module("axolotl.prompt_strategies.stepwise_supervised")
