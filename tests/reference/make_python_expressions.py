"""Prints what CPython prints for expressions of the kind that steps use: make_python_expressions.py > python_expressions.json

Run with CPython 3.11: the version counts (sums of floats).
"""

import itertools
import json
import random

random.seed(4)
expressions = []

# Rounding, most of it at ties of the decimal form.
for _ in range(200):
    whole, digits = random.randint(0, 9999), random.randint(0, 4)
    number = whole / 10**digits + random.choice([0, 5, 25, 75]) / 10 ** (digits + 1)
    expressions.append(f"round({number!r}, {random.randint(0, 3)})")
expressions += [f"round({n})" for n in ["2.5", "3.5", "-2.5", "0.5", "1e20", "7", "True"]]
expressions += ["round(1234, -2)", "round(1250, -2)", "round(-0.04, 1)", "round(1e300, 2)", "round(2.675, 2)", "round(5.015, 2)"]

# Formatting.
numbers = ["0", "7", "-3", "1234567", "0.5", "-2.675", "1234567.891", "1e-05", "1e+16", "0.1 + 0.2"]
for number, spec in itertools.product(numbers, ["", ".2f", ".0f", ",", ",.1f", ".1%", "e", ".3g", ">10", "<10", "^10", "+", "08.3f", "g"]):
    if "." in number or "e" in number or spec not in ["08.3f"]:
        expressions.append(f"f'{{{number}:{spec}}}'")
for number, spec in itertools.product(["0", "7", "-3", "255"], ["d", "b", "x", "X", "o", "05d", "+d", ",d", "#x"]):
    expressions.append(f"f'{{{number}:{spec}}}'")
for text, spec in itertools.product(["'abc'", "'é漢'", "''"], ["", "5", "<5", ">5", "^5", "*^7", ".2", "s"]):
    expressions.append(f'f"{{{text}:{spec}}}"')
expressions += [
    "'%d %s %.2f %5.1f%%' % (3, 'x', 2.5, 99.95)", "'%05d|%-6s|%6s|%x' % (42, 'ab', 'cd', 255)", "'%r %r' % ('it\\'s', [1])",
    "'{} {1}'.format if False else '{0}-{1}-{0}'.format('a', 2)", "'{name}: {value:.3f}'.format(name='pi', value=3.14159)",
    "f'{1 + 1 = }'", "f'{1!r:>6}'", "f'{3.0} {3.10} {1e100} {1e15} {1e16} {123456789012345678}'",
    "[0.1, 1.0, 100.0, 1e-7, 1.5e-10, 2/3, 10/4, 7//2, -7//2, -7 % 3, 2**0.5]", "(1,)", "()", "{'a': (1, 2.0), 'b': None}",
    "str(1.0), repr('a\"b'), repr(\"it's\"), repr('both \\' and \"')", "'tab\\tnew\\nline', 'é', '\\x00', '\\u2028'", "b'a\\x00\\xff'",
    "float('inf'), float('-inf'), float('nan')", "10**25, -10**25, 2**100", "True + True, 5 / 1, 6 / 4, divmod(17, 5), divmod(-17, 5)",
]

# What else steps do with texts, lists and dictionaries.
expressions += [
    "' a b '.strip(), 'a,b,,c'.split(','), ' a  b '.split(), 'a b c'.split(' ', 1), 'x'.join(['1', '2'])",
    "'Hello World'.title(), 'hello'.capitalize(), 'HeLLo'.swapcase(), 'hello'.upper(), 'ÄÖ'.lower(), 'ß'.upper()",
    "'abc'.find('c'), 'abc'.find('z'), 'banana'.count('an'), 'banana'.replace('a', 'o', 2), 'abc'.startswith(('x', 'a'))",
    "'abc'[::-1], 'abcdef'[1:4], 'abcdef'[-2:], 'abc'.zfill(5), 'abc'.center(7, '-'), 'abc'.ljust(5) + '|', 'abc'.rjust(5)",
    "'12'.isdigit(), 'a1'.isalnum(), 'ab'.isalpha(), ' '.isspace(), 'Ab'.isupper(), '1.5'.isnumeric()",
    "'line one\\nline two\\n'.splitlines(), 'a\\tb'.expandtabs(4), 'k=v=w'.partition('='), 'k=v=w'.rpartition('=')",
    "sorted([3, 1, 2], reverse=True), sorted(['b', 'A', 'a'], key=str.lower), sorted({'b': 1, 'a': 2}.items(), key=lambda p: p[1])",
    "sum([0.1] * 10), sum([1, 2, 3], 10), max([1, 5, 3]), min('b', 'a'), max(['aa', 'b'], key=len), abs(-3.5)",
    "[x * 2 for x in range(5) if x % 2], {x: x ** 2 for x in range(3)}, sorted({x % 3 for x in range(10)}), list(zip('ab', [1, 2]))",
    "list(enumerate(['a', 'b'], 1)), list(map(str, [1, 2])), list(filter(None, [0, 1, '', 'a'])), any([0, 1]), all([])",
    "[1, 2] + [3], [0] * 3, [1, [2, 3]], [3, 1][0:1], list(range(10, 0, -3)), list(reversed([1, 2])), 2 in [1, 2]",
    "{'a': 1}.get('b', 0), list({'a': 1, 'b': 2}), {**{'a': 1}, 'a': 2}, {'a': 1} | {'b': 2}, dict(a=1), dict([('k', 'v')])",
    "int('42'), int(3.9), int('ff', 16), float('1e3'), bool(''), bool('0'), chr(233), ord('é'), hex(255), bin(5), oct(8)",
    "isinstance(1, int), isinstance(True, int), type(1).__name__, type('').__name__, type([]).__name__, len('é漢')",
    "1 if 2 > 1 else 0, not [], None is None, 1 < 2 < 3, 'a' < 'b', [1, 2] < [1, 3], (1, 'a') == (1, 'a')",
]

# Modules.
modules = [
    ("import math", "math.sqrt(2), math.pi, math.floor(-2.5), math.ceil(2.1), math.factorial(10), math.gcd(12, 18), math.log(10), math.hypot(3, 4)"),
    ("import math", "math.isclose(0.1 + 0.2, 0.3), math.log10(1000), math.log2(8), math.degrees(math.pi), math.comb(5, 2), math.trunc(-2.7)"),
    ("import json", "json.dumps({'a': [1, 2.0, None, True], 'é': 'x'})"),
    ("import json", "json.dumps({'b': 1, 'a': {'c': [1, 2]}}, indent=2, sort_keys=True)"),
    ("import json", "json.loads('{\"a\": [1, 2.5, null, true], \"b\": \"\\\\u00e9\"}')"),
    ("import re", "re.findall(r'\\d+', 'a1b22c333'), re.sub(r'\\s+', ' ', 'a  b\\n c'), re.split(r'[,;]', 'a,b;c')"),
    ("import re", "re.search(r'(\\w+)@(\\w+)', 'x me@home y').groups(), re.match('b', 'ab'), bool(re.fullmatch(r'[a-z]+', 'abc'))"),
    ("from collections import Counter, defaultdict", "Counter('banana').most_common(2), dict(Counter([1, 1, 2])), sorted(Counter(a=2, b=1).items())"),
    ("from collections import defaultdict\nd = defaultdict(list)\nd['x'].append(1)", "dict(d)"),
    ("from datetime import datetime, timedelta, date", "datetime(2024, 2, 28, 9, 5) + timedelta(days=2, hours=3)"),
    ("from datetime import datetime, timedelta, date", "(date(2024, 3, 1) - date(2024, 2, 1)).days, date(2024, 3, 1).weekday(), date(2024, 3, 1).isoformat()"),
    ("from datetime import datetime, timedelta, date", "datetime(2024, 2, 3, 14, 5, 6).strftime('%Y-%m-%d %H:%M:%S | %d %B %Y | %I:%M %p | %a %b')"),
    ("from datetime import datetime, timedelta, date", "datetime.strptime('2024-02-03 10:20', '%Y-%m-%d %H:%M'), datetime.strptime('18:15', '%H:%M').time()"),
    ("from datetime import datetime, timedelta, date", "str(timedelta(days=1, seconds=3661)), timedelta(hours=36).total_seconds(), timedelta(minutes=90)"),
    ("from itertools import combinations, permutations, chain", "list(combinations('abc', 2)), list(chain([1], [2, 3]))"),
    ("from functools import reduce", "reduce(lambda a, b: a * b, [1, 2, 3, 4])"),
]


# Texts and %.
for number, form in itertools.product(["0", "7", "-3", "1234567", "0.5", "-2.675", "1e-05", "1e16", "True"], [
    "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%i", "%f", "%.2f", "%8.3f", "%-10.1f|", "%010.2f", "%+.1f", "%e", "%.3E", "%g", "%.3g", "%s",
    "%r", "%10s", "%.2s",
]):
    expressions.append(f"{form!r} % {number}")
for number, form in itertools.product(["0", "255", "-255"], ["%x", "%X", "%o", "%#x", "%#o", "%#010x", "%08x", "%c"]):
    if form != "%c" or number == "255":
        expressions.append(f"{form!r} % {number}")
expressions += [
    "'%s and %s' % ('a', 1), '%s' % [1, 2], '%s' % {'a': 1}, '%s' % (None,), '%s' % ((1, 2),), 'no' % (), '100%%' % ()",
    "'%(a)s is %(b).1f%%' % {'a': 'x', 'b': 2.25, 'c': 0}, '%-*d|%.*f' % (5, 42, 2, 3.14159), '%*d' % (-4, 7) + '|'",
    "'%s %s' % ('a', 'b') % (), ('%s' % 'x') * 3, 7 % 3, -7 % 3, 7.5 % 2, [5 % n for n in (2, 3)], f\"{'%.1f' % 2.25} {10 % 4}\"",
    "('a %s '\n 'b %s') % (\n 1,\n 2)", "'%s' % 'é漢', '%5s|%-5s|' % ('é', '漢'), '%r' % 'it\\'s', '%c%c' % ('a', 98), '%5c|' % 'x'",
    "'%s' % (lambda n: n % 4)(10), max('%d' % n for n in range(3)), '%d%%' % 50 if 5 % 2 else ''",
]
for wrong in ["'%d' % 'x'", "'%s %s' % 1", "'%s' % (1, 2)", "'a' % 1", "'%x' % 1.5", "'%f' % 'x'", "'%(a)s' % 1", "'%q' % 1", "'%' % 1", "'%(a)s' % {}"]:
    expressions.append(f"tried(lambda: {wrong})")


TRIED = """def tried(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__, str(error)
"""


def printed(setup, expression):
    lines = []
    scope = {"print": lambda *values: lines.append(" ".join(map(str, values)))}
    exec(f"{setup}\nprint({expression})", scope)
    return "\n".join(lines)


setups = [TRIED if "tried(" in expression else "" for expression in expressions]
rows = [[setup, expression, printed(setup, expression)] for setup, expression in zip(setups, expressions)]
rows += [[setup, expression, printed(setup, expression)] for setup, expression in modules]
print("[")
print(",\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
print("]")
