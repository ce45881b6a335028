"""Processor time that a training step of RegNet takes for one clip of 10 s, the size of the paper and the small one:

    PYTHONPATH=services/trainer .cache/venv/bin/python bench/at-scale/measure_training.py

Prints JSON, for `training` in measured.json. One thread; generator and judge are taught as in a step of the recipe.
"""

import json
import time

import torch
from soundstage_trainer.graphs.regnet_net import HOPS_A_FRAME, PAPER, SMALL, VISUAL, Judge, RegNet, Sizes

CLIP_FRAMES = 215
FRAMES = 43  # a fifth of a clip: the time grows in proportion
BATCH = 2
STEPS = 2


def cpu_seconds_a_clip(sizes: Sizes) -> float:
    net, judge = RegNet(sizes), Judge(sizes)
    teach_net, teach_judge = (torch.optim.Adam(part.parameters(), 1e-4) for part in (net, judge))
    visual, mel = torch.rand(BATCH, FRAMES, VISUAL), torch.rand(BATCH, HOPS_A_FRAME * FRAMES, 80)
    begin = 0.0
    for step in range(STEPS + 1):
        if step == 1:  # the first one opens what the others use
            begin = time.process_time()
        before, after = net.learn(visual, mel, torch.ones(BATCH))
        teach_net.zero_grad()
        fooled = (judge(visual, after) - 1).square().mean()
        ((before - mel).square().mean() + (after - mel).square().mean() + fooled).backward()
        teach_net.step()
        teach_judge.zero_grad()
        ((judge(visual, mel) - 1).square().mean() + judge(visual, after.detach()).square().mean()).backward()
        teach_judge.step()
    return (time.process_time() - begin) / (STEPS * BATCH) * CLIP_FRAMES / FRAMES


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print(json.dumps({"paper": round(cpu_seconds_a_clip(PAPER), 3), "small": round(cpu_seconds_a_clip(SMALL), 4)}))
