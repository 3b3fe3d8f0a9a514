"""Any speech at all: the background that a phrase has to beat.

A phrase always fits some stretch of sound a little; the question is how it fares against a free
loop of phones, which may say anything at that place.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from qwen_audio_agent.speech.ears.acoustics import AcousticModel, Floats

_NEW_PHONE: Final = -6.0  # log probability of going on to any one phone; about 40 phones + hurry


def phone_loop(model: AcousticModel, emitted: Floats) -> Floats:
    """How well the best sequence of phones explains each frame.

    Args:
        model: the acoustic model; its phones are taken free of context.
        emitted: float32 (T, phones, 3) of `SenoneScores.of_phones`.

    Returns:
        float32 (T,): log-likelihood of each frame along the best path.
    """
    num_phones = len(model.phones)
    now = np.full((num_phones, 3), -1e30, np.float32)
    now[:, 0] = emitted[0, :, 0]
    moved = np.zeros(emitted.shape, np.bool_)
    came_from = np.zeros(len(emitted), np.intp)
    arriving = np.empty_like(now)
    for t in range(1, len(emitted)):
        leaving = now + model.leaves
        came_from[t] = leaving[:, 2].argmax()
        arriving[:, 0] = leaving[came_from[t], 2] + _NEW_PHONE
        arriving[:, 1:] = leaving[:, :2]
        staying = now + model.stays
        moved[t] = arriving > staying
        now = np.maximum(arriving, staying) + emitted[t]
    fit = np.empty(len(emitted), np.float32)
    phone, state = int(now[:, 2].argmax()), 2
    for t in range(len(emitted) - 1, -1, -1):
        fit[t] = emitted[t, phone, state]
        if moved[t, phone, state]:
            state = (state - 1) % 3
            if state == 2:
                phone = int(came_from[t])
    return fit


def phone_distances(model: AcousticModel) -> Floats:
    """How unlike each two phones sound to this model, 0 (the same) to 1 (a usual pair or more).

    Each state is one Gaussian with the mean and variance of its mixture; the distance is
    Bhattacharyya's, added over the features, in units of the median pair.
    """
    num_phones = len(model.phones)
    senones = model.senones[:num_phones]
    means, variances = [], []
    for stream in range(model.means.shape[1]):
        weights = np.exp(model.weights[stream][:, senones])  # (densities, phones, 3)
        weights /= weights.sum(axis=0)
        mean, variance = model.means[:, stream], 1.0 / model.precisions[:, stream]
        first = np.einsum("dps,pdf->psf", weights, mean)
        second = np.einsum("dps,pdf->psf", weights, variance + mean**2)
        means.append(first)
        variances.append(second - first**2)
    centre, spread = np.concatenate(means, axis=2), np.concatenate(variances, axis=2)
    together = (spread[:, None] + spread) / 2
    distances = (centre[:, None] - centre) ** 2 / together / 8
    distances += np.log(together / np.sqrt(spread[:, None] * spread)) / 2
    total = distances.sum(axis=3).mean(axis=2)
    distances = np.minimum(1.0, total / np.median(total[total > 0]))
    return np.asarray(distances, np.float32)
