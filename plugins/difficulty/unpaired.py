"""What the success rates of two settings, tried on different questions, say of how often one fixes the other."""

from __future__ import annotations

__all__ = ["fixed_by_rates"]

Rate = tuple[float, float]
"""A mean, and how many outcomes it is worth."""


def fixed_by_rates(cheap: Rate, dear: Rate) -> Rate:
    """How often the dearer succeeds where the cheaper fails, and how many paired outcomes that is worth.

    Of rates c and d alone it lies between max(0, d - c), where the dearer fails only what the cheaper fails too, and
    min(d, 1 - c) (Fréchet's bounds). Were the two independent it would be d (1 - c). Measured pairs lie between the
    lowest and that: 0.4 of the way over all questions (ZeroEval, o1-mini against three models), 0.53 to 0.57 within
    families of questions (reasoning-gym, deepseek-r1 against three). So the middle is taken. What is not known of it,
    the width between the bounds, counts as variance beside that of the rates: however many are seen, it is worth few
    pairs while the bounds are apart.
    """
    c, d = cheap[0], dear[0]
    least, most, apart = max(0.0, d - c), min(d, 1 - c), d * (1 - c)
    fixed = (least + apart) / 2
    gains = 1.0 if d > c else 0.0
    by_cheap, by_dear = (gains + d) / 2, (gains + 1 - c) / 2  # how much it moves with each rate
    variance = by_cheap**2 * _variance(cheap) + by_dear**2 * _variance(dear) + (most - least) ** 2 / 12
    return fixed, max(0.0, fixed * (1 - fixed) / variance - 1) if variance > 0 else 0.0


def _variance(rate: Rate) -> float:
    mean, strength = rate
    return mean * (1 - mean) / (strength + 1)
