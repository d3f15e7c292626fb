"""Prints the names that CPython has, of builtins, types and the modules that the sandbox's interpreter has in part:
make_python_names.py > assets/sandbox/python_names.txt

Run with CPython 3.11, which recorded the published data.
"""

import base64
import binascii
import builtins
import collections
import dataclasses
import datetime
import functools
import itertools
import json
import math
import re
import textwrap
import unicodedata

MODULES = [base64, binascii, collections, dataclasses, datetime, functools, itertools, json, math, re, unicodedata]
TYPES = {kind.__name__: kind for kind in [
    str, bytes, bytearray, int, float, bool, complex, list, tuple, dict, set, frozenset, range, type({}.keys()), type({}.values()),
    type({}.items()), collections.Counter, slice,
]}
TYPES |= {f"{kind.__module__}.{kind.__name__}": kind for kind in [
    datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone, re.Match, re.Pattern,
    collections.deque, collections.defaultdict, collections.OrderedDict,
]}


def row(name, names):
    print(textwrap.fill(f"{name}: {' '.join(sorted(names))}", 120, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False))


row("builtins", [name for name in dir(builtins) if not name.startswith("_")])
for module in MODULES:
    row(f"module {module.__name__}", [name for name in dir(module) if not name.startswith("_")])
for name, kind in TYPES.items():
    row(f"type {name}", dir(kind))
