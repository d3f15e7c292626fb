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
