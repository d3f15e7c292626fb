# What the interpreter does otherwise than Python, mended. The builtin is kept under another name by the line before.
def round(number, ndigits=None):
    if ndigits is None:
        return __retake_round__(number)
    if not isinstance(number, float) or ndigits < 0:
        return __retake_round__(number, ndigits)
    # Python rounds the exact value of the float, as formatting does.
    return float(f'{number:.{ndigits}f}')

def __retake_strptime__(cls, text, format):
    # The interpreter wants a whole date; Python fills in 1900-01-01.
    missing = []
    if '%y' not in format and '%Y' not in format and '%D' not in format and '%c' not in format and '%x' not in format:
        if '%j' not in format:
            if '%m' not in format and '%b' not in format and '%B' not in format:
                missing.append(('%m', '01'))
            if '%d' not in format:
                missing.append(('%d', '01'))
        missing.append(('%Y', '1900'))
    elif '%D' not in format and '%c' not in format and '%x' not in format and '%j' not in format:
        if '%m' not in format and '%b' not in format and '%B' not in format:
            missing.append(('%m', '01'))
        if '%d' not in format:
            missing.append(('%d', '01'))
    if not missing:
        return cls.strptime(text, format)
    whole, directives = text, format
    for directive, value in missing:
        whole = value + ' ' + whole
        directives = directive + ' ' + directives
    try:
        return cls.strptime(whole, directives)
    except ValueError:
        raise ValueError(f'time data {text!r} does not match format {format!r}')

def __retake_percent__(left, right):
    # The interpreter has no % of texts. Forms and messages are those of Python.
    if not isinstance(left, str):
        return left % right
    values = list(right) if isinstance(right, tuple) else [right]
    is_mapping = isinstance(right, (dict, list))
    used = 0
    at = 0
    parts = []
    while True:
        start = left.find('%', at)
        if start < 0:
            parts.append(left[at:])
            break
        parts.append(left[at:start])
        at = start + 1
        named = left[at:at + 1] == '('
        if named:
            if not isinstance(right, dict):
                raise TypeError('format requires a mapping')
            end = left.find(')', at)
            if end < 0:
                raise ValueError('incomplete format key')
            name = left[at + 1:end]
            at = end + 1
        flags = ''
        while at < len(left) and left[at] in '#0- +':
            flags += left[at]
            at += 1
        sizes = []
        for mark in ('', '.'):
            size = None
            if left[at:at + len(mark)] == mark:
                at += len(mark)
                if left[at:at + 1] == '*':
                    if used >= len(values):
                        raise TypeError('not enough arguments for format string')
                    size = values[used]
                    used += 1
                    at += 1
                else:
                    digits = ''
                    while at < len(left) and left[at] in '0123456789':
                        digits += left[at]
                        at += 1
                    if digits or mark:
                        size = int(digits or '0')
            sizes.append(size)
        while at < len(left) and left[at] in 'hlL':
            at += 1
        if at >= len(left):
            raise ValueError('incomplete format')
        kind = left[at]
        at += 1
        if kind == '%':
            parts.append('%')
            continue
        if named:
            value = right[name]
        else:
            if used >= len(values):
                raise TypeError('not enough arguments for format string')
            value = values[used]
            used += 1
        parts.append(__retake_converted__(value, flags, sizes[0], sizes[1], kind, at - 1))
    if used < len(values) and not is_mapping:
        raise TypeError('not all arguments converted during string formatting')
    return ''.join(parts)

def __retake_converted__(value, flags, width, precision, kind, place):
    is_left = '-' in flags
    if width is not None and width < 0:
        is_left = True
        width = -width
    if kind in 'srac':
        if kind == 's':
            text = str(value)
        elif kind == 'c':
            text = chr(value) if isinstance(value, int) else value
            if not isinstance(text, str) or len(text) != 1:
                raise TypeError('%c requires int or char')
        else:
            text = repr(value)
            if kind == 'a' and not text.isascii():
                raise NotImplementedError('%a of other characters than ASCII is not yet supported')
        if precision is not None and kind != 'c':
            text = text[:precision]
        if width is None:
            return text
        return text.ljust(width) if is_left else text.rjust(width)
    sign = '+' if '+' in flags else ' ' if ' ' in flags else ''
    is_number = isinstance(value, (int, float))
    if kind in 'diu':
        if not is_number:
            raise TypeError(f'%{kind} format: a real number is required, not {type(value).__name__}')
        value = int(value)
    elif kind in 'oxX':
        if not isinstance(value, int):
            raise TypeError(f'%{kind} format: an integer is required, not {type(value).__name__}')
    elif kind in 'eEfFgG':
        if not is_number:
            raise TypeError(f'must be real number, not {type(value).__name__}')
        if '#' in flags:
            raise NotImplementedError('# in % of floats is not yet supported')
        value = float(value)
    else:
        raise ValueError(f"unsupported format character '{kind}' ({hex(ord(kind))}) at index {place}")
    if kind in 'eEfFgG':
        whole = f'{abs(value):.{6 if precision is None else precision}{kind}}'
        prefix = '-' if f'{value}'.startswith('-') else sign
    else:
        number = abs(int(value))
        form = 'd' if kind in 'diu' else kind
        whole = f'{number:{form}}'
        if precision is not None:
            whole = whole.zfill(precision)
        prefix = '-' if value < 0 else sign
        if '#' in flags and kind in 'oxX':
            prefix += '0' + kind
    if width is None:
        return prefix + whole
    if is_left:
        return (prefix + whole).ljust(width)
    if '0' in flags:
        return prefix + whole.zfill(width - len(prefix))
    return (prefix + whole).rjust(width)
