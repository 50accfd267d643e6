"""A PPG with the shape of pulses: quick to rise, slow to fall, as an upright one is."""
import numpy as np


def pulses(
    duration_s: float = 60.0,
    rate_hz: float = 64.0,
    pulse_bpm: float = 72.0,
    breath_bpm: float = 15.0,
    noise: float = 0.01,
    seed: int = 0,
) -> np.ndarray:
  """[t] float64 of about the range -0.3 to 1.6."""
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  breath_t = np.sin(2 * np.pi * breath_bpm / 60 * time_s)
  phase_t = (time_s * pulse_bpm / 60 + 0.05 * breath_t) % 1.0
  main_t = np.exp(-0.5 * ((phase_t - 0.2) / np.where(phase_t < 0.2, 0.06, 0.16)) ** 2)
  second_t = 0.2 * np.exp(-0.5 * ((phase_t - 0.6) / 0.1) ** 2)
  noise_t = noise * np.random.default_rng(seed).standard_normal(len(time_s))
  return (1 + 0.15 * breath_t) * (main_t + second_t) + 0.25 * breath_t + noise_t
