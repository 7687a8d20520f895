"""Light dataclasses do what those of the standard library do."""

import copy
import dataclasses
import inspect
import pickle
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

import pytest

from fokker_planck.quantity.light_dataclasses import FEW
from fokker_planck.quantity.light_dataclasses import dataclass as light


class Body:
    a: int
    b: float = 2.0
    c: Mapping[str, int] = field(default_factory=dict, hash=False)
    d: list[int] = field(default_factory=list, init=False, compare=False, repr=False)
    known: ClassVar[int] = 3

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("a")


class Plain:
    a: "int"
    b: "tuple[int, ...]" = ()


def made_by(decorator: Any, like: type = Body, **options: bool) -> Any:
    """The same class by a decorator."""
    namespace = {name: value for name, value in vars(like).items() if name not in ("__dict__", "__weakref__")}
    return decorator(frozen=True, **options)(type(like.__name__, (), namespace | {"__qualname__": like.__name__}))


LIGHT, FULL = made_by(light), made_by(dataclasses.dataclass)


@light(frozen=True)
class Kept:
    a: int
    b: tuple[int, ...] = ()


@pytest.mark.parametrize("like", [Body, Plain])
@pytest.mark.parametrize("options", [{}, {"eq": False}, {"repr": False}])
def test_what_can_be_asked_of_a_class_is_the_same(like, options):
    one, other = made_by(light, like, **options), made_by(dataclasses.dataclass, like, **options)
    assert one.__match_args__ == other.__match_args__
    assert repr(one.__dataclass_params__) == repr(other.__dataclass_params__)
    assert str(inspect.signature(one)) == str(inspect.signature(other))
    assert [repr(f) for f in dataclasses.fields(one)] == [repr(f) for f in dataclasses.fields(other)]
    assert one.__init__.__annotations__ == other.__init__.__annotations__
    match one(1):
        case one(a, b):
            assert (a, b) == (1, other(1).b)


def test_fields_are_listed_when_they_are_asked_for():
    plain = made_by(light, Plain)
    one = plain(1, (2,))
    assert one == plain(1, (2,)) != plain(1)
    assert hash(one) == hash((1, (2,)))
    assert not isinstance(vars(plain)["__dataclass_fields__"], dict)
    assert dataclasses.replace(one, a=3) == plain(3, (2,))
    assert isinstance(vars(plain)["__dataclass_fields__"], dict)
    with pytest.raises(ValueError, match="mutable default"):
        light(frozen=True)(type("Mutable", (), {"__annotations__": {"a": "list"}, "a": [], "__module__": __name__}))


def test_what_can_be_asked_of_an_instance_is_the_same():
    one, other = LIGHT(1, c={"x": 1}), FULL(1, c={"x": 1})
    assert repr(one) == repr(other)
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    assert hash(one) == hash(other) == hash(LIGHT(1, c={"y": 2}))
    assert one == LIGHT(1, c={"x": 1}) != LIGHT(1)
    assert one != other
    assert one.d is not LIGHT(1).d
    assert dataclasses.replace(one, b=3.0) == LIGHT(1, 3.0, {"x": 1})
    assert copy.copy(one) == copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(Kept(1, (2,)))) == Kept(1, (2,))


@pytest.mark.parametrize(
    "asked",
    [
        lambda c: c(-1),
        lambda c: c(),
        lambda c: c(1, z=2),
        lambda c: setattr(c(1), "a", 2),
        lambda c: delattr(c(1), "a"),
    ],
)
def test_what_is_refused_is_the_same(asked):
    with pytest.raises(Exception) as full:  # noqa: PT011  whatever the standard library raises
        asked(FULL)
    with pytest.raises(type(full.value)):
        asked(LIGHT)


@pytest.mark.parametrize("before", [0, 1, FEW + 1])
def test_the_first_instances_are_made_as_all_others(before):
    one, other = made_by(light, Plain), made_by(dataclasses.dataclass, Plain)
    for _ in range(before):
        one(1)
    for given, named in (((1,), {}), ((1, (2,)), {}), ((), {"b": (3,), "a": 4}), ((5,), {"b": (6,)})):
        assert vars(one(*given, **named)) == vars(other(*given, **named))
    for given, named in (((), {}), ((1, 2, 3), {}), ((1,), {"z": 2}), ((1,), {"a": 1}), ((), {"b": 1, "z": 2})):
        with pytest.raises(TypeError) as full:  # noqa: PT011  whatever the standard library says
            other(*given, **named)
        with pytest.raises(TypeError, match=f"^{re.escape(str(full.value))}$"):
            one(*given, **named)


def test_classes_by_identity():
    plain = made_by(light, eq=False)
    assert plain(1) != plain(1)
    assert len({plain(1), plain(1)}) == 2


@pytest.mark.parametrize("decorator", [light, dataclasses.dataclass])
def test_classes_based_on_a_light_one(decorator):
    @decorator(frozen=True)
    class Wider(Kept):
        c: int = 5

    assert repr(Wider(1)).endswith("Wider(a=1, b=(), c=5)")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Wider(1).a = 2


def test_init_is_called_through_super():
    class Child(Kept):
        def __init__(self) -> None:
            super().__init__(7)

    @light(frozen=True)
    class Own(Child):
        pass

    assert Child().a == 7


def test_methods_of_ones_own_stay():
    @light(frozen=True)
    class Own:
        a: float

        def __eq__(self, other: object) -> bool:
            return True

        def __repr__(self) -> str:
            return "own"

    assert Own(1.0) == 3
    assert repr(Own(1.0)) == "own"
    assert hash(Own(1.0)) == hash((1.0,))


def test_what_is_not_supported_is_told():
    with pytest.raises(TypeError, match="standard library"):

        @light(frozen=True)
        class Keywords:
            a: int = field(kw_only=True)
