"""``dataclass(frozen=True)`` that writes a class's methods when they are first called, not when the class is made.

The standard library compiles six functions for every frozen dataclass, which takes 0.9 ms; of the 270 classes that a
question imports it makes a quarter, and compares fewer. Here ``__init__`` is compiled when a class has some instances,
the others are shared, the list of fields is made when it is first asked for, and 0.02 ms is left. ``fields``,
``replace``, ``asdict``, signatures, pickling, pattern matching and, for a class that is based on such a class, the
decorator of the standard library go on as they do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import field as field
from dataclasses import replace as replace
from functools import partial
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """The decorator of the standard library; classes that are frozen and based on no other get light methods.

        >>> @dataclass(frozen=True)
        ... class Well:
        ...     place: float
        ...     depth: float = 1.0
        >>> replace(Well(2.0), depth=3.0)
        Well(place=2.0, depth=3.0)
        >>> Well(2.0) == Well(2.0), hash(Well(2.0)) == hash(Well(2.0)), Well(2.0) == Well(3.0)
        (True, True, False)
        """
        if cls is None:
            return lambda given: dataclass(given, **options)
        based = any(hasattr(base, "__dataclass_fields__") for base in cls.__mro__[1:])
        if based or not options.get("frozen") or options.keys() - {"frozen", "eq", "repr", "init"}:
            return dataclasses.dataclass(**options)(cls)
        return _light(cls, **{**_EVERYTHING, **options})


_EVERYTHING = {"init": True, "repr": True, "eq": True}


def _light(cls: type, init: bool, repr: bool, eq: bool, frozen: bool) -> type:
    own = {name for name, method in vars(cls).items() if name != "__hash__" or method is not None}
    if not cls.__doc__:
        cls.__doc__ = cls.__name__  # else its signature would be asked for, and __init__ compiled
    options = (init, repr, eq, frozen)
    methods: dict[str, Any] = {"__setattr__": _refused, "__delattr__": _refused}
    if _is_plain(cls):
        compared = counted = tuple(cls.__annotations__)
        for asked in (_FIELDS, _OPTIONS):
            setattr(cls, asked, _Listed(asked, options))
        methods |= {"__match_args__": compared, "__replace__": _replaced}
    else:
        listed = dataclasses.fields(_listed(cls, options))
        kinds = map(str, cls.__annotations__.values())
        if any(each.kw_only for each in listed) or any("InitVar" in kind for kind in kinds):
            raise TypeError(f"{cls.__name__}: keywords alone and InitVar need the decorator of the standard library")
        compared = tuple(each.name for each in listed if each.compare)
        counted = tuple(each.name for each in listed if (each.compare if each.hash is None else each.hash))
    if init:
        methods["__init__"] = _FirstCalls()
    if repr:
        methods["__repr__"] = _shown
    if eq:
        methods["__eq__"] = _equality(_values_of(compared))
        methods["__hash__"] = _hashing(_values_of(counted))
    for name, method in methods.items():
        if name not in own:
            setattr(cls, name, method)
    return cls


_FIELDS, _OPTIONS = "__dataclass_fields__", "__dataclass_params__"
_UNLIKE = ("ClassVar", "InitVar", "KW_ONLY")


def _is_plain(cls: type) -> bool:
    """Whether every annotation is an argument, told without the standard library: no ``field``, nothing to refuse."""
    kinds, given = cls.__annotations__, vars(cls)
    if any(not isinstance(kind, str) or any(word in kind for word in _UNLIKE) for kind in kinds.values()):
        return False
    defaults = [given[name] for name in kinds if name in given]
    if any(isinstance(value, dataclasses.Field) or type(value).__hash__ is None for value in defaults):
        return False
    return not any(isinstance(value, dataclasses.Field) for name, value in given.items() if name not in kinds)


def _listed(cls: type, options: tuple[bool, ...]) -> type:
    """The class with the fields and the options that the standard library finds, its methods left as they are."""
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    told = made.__dataclass_params__
    told.init, told.repr, told.eq, told.frozen = options
    return cls


class _Listed:
    """Stands for what the standard library notes of a class until somebody asks for it."""

    def __init__(self, asked: str, options: tuple[bool, ...]) -> None:
        self.asked, self.options = asked, options

    def __get__(self, instance: object, owner: type) -> Any:
        cls = next(base for base in owner.__mro__ if vars(base).get(self.asked) is self)
        return vars(_listed(cls, self.options))[self.asked]


def _replaced(self: Any, /, **changes: Any) -> Any:
    """What ``copy.replace`` calls, of Python 3.13."""
    return replace(self, **changes)


FEW = 20
"""Instances that are filled field by field, in 2 microseconds each, before 0.15 ms go into a compiled ``__init__``: of
the 90 classes that a question makes instances of most have fewer."""


class _FirstCalls:
    """Stands for ``__init__`` until there are a ``FEW`` instances, or somebody asks for it who reads the signature."""

    def __init__(self) -> None:
        self.made = 0

    def __get__(self, instance: object, owner: type) -> Any:
        plain = type(instance) is owner and isinstance(vars(owner).get(_FIELDS), _Listed)
        if plain and vars(owner).get("__init__") is self and self.made < FEW:
            self.made += 1
            return partial(self._filled, owner, instance)
        return self._compiled(instance, owner)

    def _filled(self, cls: type, instance: Any, /, *given: Any, **named: Any) -> None:
        """Set the fields from arguments; of those that do not fit the compiled ``__init__`` speaks."""
        names, known = list(cls.__annotations__), vars(cls)
        values = dict(zip(names, given, strict=False))
        values |= {name: known[name] for name in names[len(given) :] if name in known} | named
        if len(given) > len(names) or len(values) != len(names) or named.keys() & set(names[: len(given)]):
            self._compiled(instance, cls)(*given, **named)
            return
        try:
            for name in names:
                object.__setattr__(instance, name, values[name])
        except KeyError:
            self._compiled(instance, cls)(*given, **named)
            return
        if hasattr(cls, "__post_init__"):
            instance.__post_init__()

    def _compiled(self, instance: object, owner: type) -> Any:
        # inspect of Python 3.13 asks a class as the instance of its type
        bases = (*owner.__mro__, *(instance.__mro__ if isinstance(instance, type) else ()))
        cls = next(base for base in bases if vars(base).get("__init__") is self)
        made: Any = _init(cls)
        cls.__init__ = made  # type: ignore[misc]
        return made.__get__(instance, owner)


def _init(cls: type) -> Callable[..., None]:
    """``__init__`` of a frozen dataclass: its arguments are the fields, in their order."""
    names = {"_set": object.__setattr__, "_made_anew": _MADE_ANEW}
    arguments, lines = ["self"], []
    if isinstance(vars(cls)[_FIELDS], _Listed):
        given = [(name, vars(cls).get(name, dataclasses.MISSING)) for name in cls.__annotations__]
        names |= {f"_default_{name}": default for name, default in given}
        arguments += [name if default is dataclasses.MISSING else f"{name}=_default_{name}" for name, default in given]
        lines += [f" _set(self, {name!r}, {name})" for name, _ in given]
        annotations = dict(cls.__annotations__)
    else:
        listed = dataclasses.fields(cls)
        for each in listed:
            _add(each, arguments, lines, names)
        annotations = {each.name: each.type for each in listed if each.init}
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(arguments)}):\n" + ("\n".join(lines) or " pass"), names)
    init: Any = names["__init__"]
    init.__annotations__ = annotations | {"return": None}
    init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    return init  # type: ignore[no-any-return]


def _add(each: dataclasses.Field[Any], arguments: list[str], lines: list[str], names: dict[str, Any]) -> None:
    """One field's argument, the line that sets it, and what both refer to."""
    given = f"_default_{each.name}"
    if each.default_factory is not dataclasses.MISSING:
        names[given] = each.default_factory
        made = f"{given}()"
        value = f"{made} if {each.name} is _made_anew else {each.name}" if each.init else made
        arguments += [f"{each.name}=_made_anew"] if each.init else []
    else:
        names[given] = each.default
        value = each.name if each.init else given
        bare = each.default is dataclasses.MISSING
        arguments += [each.name if bare else f"{each.name}={given}"] if each.init else []
        if bare and not each.init:
            return
    lines.append(f" _set(self, {each.name!r}, {value})")


class _MadeAnew:
    """Stands in a signature for a default that is made anew for every instance."""

    def __repr__(self) -> str:
        return "<factory>"


_MADE_ANEW = _MadeAnew()


def _refused(self: object, name: str, *_: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")


@recursive_repr()
def _shown(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _values_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)  # in C: the hash of a formula is asked for all the time
    return lambda self: tuple(getattr(self, name) for name in names)


def _equality(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def __eq__(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hashing(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__
