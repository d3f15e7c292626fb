# A worker of the sandbox that runs steps in CPython: the same JSON lines as retake's own worker. It trusts nothing of the
# step, but cannot confine itself: bubblewrap around it does that.
import ast, base64, io, json, os, resource, sys, time

LONGEST = 64 << 20
MOST_DEPTH = 32
commands, replies = sys.stdin.buffer, os.fdopen(os.dup(1), 'wb')
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


class Stop(BaseException):
    """Ends a step from outside; a step's `except Exception` does not catch it."""


class ToolFailed(Exception):
    pass


def say(reply):
    replies.write(json.dumps(reply).encode() + b'\n')
    replies.flush()


def hear():
    line = commands.readline(LONGEST)
    if not line:
        sys.exit(0)
    return json.loads(line)


def outward(value, depth=0):
    if depth < MOST_DEPTH:
        more = lambda items: [outward(item, depth + 1) for item in items]
        kind = type(value)
        if value is None:
            return 'none'
        if kind is bool:
            return {'bool': value}
        if kind is int:
            return {'int': value} if -2**63 <= value < 2**63 else {'big-int': str(value)}
        if kind is float:
            return {'float': repr(value) if value == value and abs(value) != float('inf') else {'inf': 'inf', '-inf': '-inf'}.get(repr(value), 'NaN')}
        if kind is str:
            return {'str': value.encode('utf-8', 'replace').decode()}
        if kind is bytes:
            return {'bytes': list(value)}
        names = {list: 'list', tuple: 'tuple', set: 'set', frozenset: 'frozen-set'}
        if kind in names:
            return {names[kind]: more(value)}
        if kind is dict:
            return {'dict': [more(pair) for pair in value.items()]}
    return {'other': {'kind': type(value).__name__, 'text': text_of(value)}}


def text_of(value):
    try:
        return repr(value)
    except Exception as error:
        return f'<{type(value).__name__}: {type(error).__name__}>'


def inward(value):
    if value == 'none':
        return None
    (kind, content), = value.items()
    if kind == 'float':
        return float(content)
    if kind in ('list', 'tuple', 'set', 'frozen-set'):
        make = {'list': list, 'tuple': tuple, 'set': set, 'frozen-set': frozenset}[kind]
        return make(inward(item) for item in content)
    if kind == 'dict':
        return {inward(key): inward(item) for key, item in content}
    if kind == 'big-int':
        return int(content)
    if kind == 'bytes':
        return bytes(content)
    if kind == 'other':
        return content['text']
    return content


class Printed(io.TextIOBase):
    def __init__(self, limit):
        self.parts, self.left, self.full = [], limit, False

    def writable(self):
        return True

    def write(self, text):
        raw = text.encode('utf-8', 'replace')
        if self.full or len(raw) > self.left:
            if not self.full:
                self.parts.append(raw[:self.left].decode('utf-8', 'ignore'))
            self.full = True
            raise Stop('output')
        self.left -= len(raw)
        self.parts.append(text)
        return len(text)


class Run:
    def __init__(self, limits):
        self.limits = limits
        self.variables = {'__name__': '__main__'}
        self.calls = 0
        self.ended = None

    def tool(self, name):
        def call(*arguments, **keywords):
            self.calls += 1
            if self.calls > self.limits['calls']:
                self.ended = {'exhausted': 'calls'}
                raise Stop('calls')
            stdout, sys.stdout = sys.stdout, sys.__stdout__
            say({'call': {'index': self.calls - 1, 'name': name, 'arguments': [outward(a) for a in arguments],
                          'keywords': [[k, outward(v)] for k, v in keywords.items()]}})
            answer = hear()['answer']
            sys.stdout = stdout
            (kind, content), = answer.items()
            if kind == 'value':
                return inward(content)
            if kind == 'error':
                raise ToolFailed(content)
            self.ended = {'unanswered': {'tool': name, 'reason': content}}
            raise Stop('tool')
        call.__name__ = name
        return call

    def run(self, code, tools):
        self.calls, self.ended = 0, None
        for name in tools:
            self.variables.setdefault(name, self.tool(name))
        printed = Printed(self.limits['output'])
        begun = time.process_time()
        # Seconds; the started one counts.
        soft = int(begun + seconds(self.limits['computing'])) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        sys.setrecursionlimit(self.limits['recursion'])
        sys.stdout = printed
        try:
            outcome = {'completed': outward(self.execute(code))}
        except Stop:
            outcome = self.ended or {'exhausted': 'output'}
        except MemoryError:
            outcome = {'exhausted': 'memory'}
        except BaseException as error:
            outcome = self.raised(error)
        finally:
            sys.stdout = sys.__stdout__
        if printed.full:
            outcome = {'exhausted': 'output'}
        elif self.ended:
            outcome = self.ended
        computed = int((time.process_time() - begun) * 1e6)
        return {'output': ''.join(printed.parts), 'outcome': outcome, 'stubs': [], 'refused': [], 'reads_clock': False,
                'computed': computed}

    def execute(self, code):
        tree = ast.parse(code, '<step>')
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, '<step>', 'exec'), self.variables)
        if last is not None:
            return eval(compile(ast.Expression(last.value), '<step>', 'eval'), self.variables)

    def raised(self, error):
        kind, message = type(error).__name__, str(error)
        if kind == 'ToolFailed':
            kind = 'Exception'
        if isinstance(error, ModuleNotFoundError):
            return {'unsupported': f'the module {error.name}'}
        line = getattr(error, 'lineno', None) if isinstance(error, SyntaxError) else None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == '<step>':
                line = trace.tb_lineno
                break
            trace = trace.tb_next
        return {'raised': {'kind': kind, 'message': message, 'line': line}}

    def list(self, width, tools):
        listed = []
        for name, value in self.variables.items():
            if name.startswith('__') or name in tools:
                continue
            text = text_of(value)
            listed.append({'name': name, 'kind': type(value).__name__, 'value': text[:width], 'is_cut': len(text) > width})
        return listed


def seconds(duration):
    return duration['secs'] + duration['nanos'] / 1e9


def what_goes():
    import socket
    open_ways = []
    try:
        open('/usr/retake-confinement', 'x').close()
        open_ways.append('write-file')
    except OSError:
        pass
    try:
        reached = socket.create_connection(('1.1.1.1', 53), timeout=0.2)
        reached.close()
        open_ways.append('network')
    except OSError:
        pass
    try:
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        open_ways.append('process')
    except OSError:
        pass
    return open_ways


def main():
    memory = int(sys.argv[-1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    say({'ready': {'memory': True, 'landlock': False, 'seccomp': True, 'open': what_goes()}})
    run, tools = None, []
    while True:
        request = hear()
        if request == 'save':
            say({'failed': 'CPython keeps its state to itself'})
            continue
        (kind, content), = request.items()
        if kind == 'reset':
            run = Run(content['limits'])
            say('done')
        elif kind == 'run':
            tools = content['tools']
            say({'ran': run.run(content['code'], tools)})
        elif kind == 'variables':
            say({'variables': run.list(content['width'], tools)})
        else:
            say({'failed': f'CPython can not {kind}'})


main()
