"""Facts read from the syntax tree of a source file."""

import ast
import hashlib
from collections.abc import Iterator


def tree_digest(source: bytes) -> str:
    """SHA-256 of the syntax tree of a source, without docstrings."""
    # Parsed again, because removing docstrings changes the tree; copying a tree takes ten times as long.
    return hashlib.sha256(ast.unparse(_Bare().visit(ast.parse(source))).encode()).hexdigest()


class _Bare(ast.NodeTransformer):
    """Removes docstrings, including those below attributes."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)] or [ast.Pass()]
        return node


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, of a definition or below an attribute."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def imports(tree: ast.Module, module: str, is_package: bool) -> dict[str, list[str]]:
    """Imported names, by module; imports for type checkers only are left out.

    Args:
        tree: syntax tree of the module.
        module: its dotted name, to resolve relative imports.
        is_package: whether it is an `__init__.py`.
    """
    found: dict[str, set[str]] = {}
    for node in _running(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name, set())
        elif isinstance(node, ast.ImportFrom):
            found.setdefault(_base(node, module, is_package), set()).update(alias.name for alias in node.names)
    return {base: sorted(names) for base, names in found.items()}


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """A node and its descendants, except those under `if TYPE_CHECKING`."""
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        children: list[ast.AST] = [*node.orelse]
    else:
        children = [*ast.iter_child_nodes(node)]
    for child in children:
        yield from _running(child)


def _base(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """Dotted name of the module that names are imported from."""
    base = node.module or ""
    if not node.level:
        return base
    parts = module.split(".")
    return ".".join([*parts[: len(parts) - node.level + is_package], *([base] if base else [])])


def defined(tree: ast.Module) -> list[str]:
    """Names defined at the top level of a module."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            parts = [part for target in node.targets for part in ast.walk(target)]
            names |= {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return sorted(names)


def arguments(tree: ast.Module, function: str) -> dict[str, str]:
    """Type of each keyword-only argument of a function, as written in the source; empty without this function."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    return {arg.arg: ast.unparse(arg.annotation) for node in found for arg in node.args.kwonlyargs if arg.annotation}
