"""Diagnose a backbone from Python: one atom of the embedded aspirin frames and the backbone trained on them, half a minute.

Replace the two names by your own: a file of frames, and a folder that `ceilings train` wrote. Needs the extra `nequip`.
"""

import textwrap

from spectral_ceilings.diagnostic import DiagnoseSettings, diagnose, load_backbone, read_frames

frames = read_frames("aspirin-xtb")
backbone = load_backbone("aspirin-xtb-l2")
for layer in backbone.layers():
    print(f"{layer.name}: {layer.irreps} ({layer.why})")

settings = DiagnoseSettings(
    degrees=(1, 2),  # linear and quadratic readouts
    l_top=6,  # inject l = 0..6
    injections=("marked",),
    atoms=(2,),  # an oxygen; None: every atom
    frames=200,  # of 1,000; None: all
    rotations=10,
    bootstrap=200,
    controls=False,  # True for anything that you want to rely on
)
result = diagnose(frames, backbone, settings)

print("readout      degree  R2 of the injected field at l = 0..6")
for readout in settings.readouts:
    for degree in settings.degrees:
        rows = [
            row
            for row in result["recovery"]
            if (row["scope"], row["readout"], row["degree"]) == ("molecule", readout, degree)
        ]
        values = ["no path" if row["r2"] is None else f"{row['r2']:7.3f}" for row in rows]
        print(f"{readout:12} {degree:6}  " + "  ".join(values))
print(textwrap.fill(result["verdict"]["sentence"], width=110))

# Output:
# layer0: 16x0e+16x1o+16x2e (carries features up to l = 2)
# layer1: 16x0e+16x1e+16x1o+16x2e+16x2o (carries features up to l = 2)
# layer2: 16x0e (carries scalars (l = 0) only: every polynomial of them is a scalar, so nothing with l > 0 can be read out)
# readout      degree  R2 of the injected field at l = 0..6
# free              1    1.000    0.992    0.986   -0.003   -0.002   -0.003   -0.002
# free              2    0.992    0.989    0.983    0.971    0.926   -0.006   -0.006
# equivariant       1    1.000    0.994    0.988  no path  no path  no path  no path
# equivariant       2    0.998    0.998    0.997    0.993    0.981  no path  no path
# Quadratic readouts of this trained NequIP backbone (layer1) recover angular detail up to l = 4 and nothing
# finer, where theory puts the limit; linear ones stop at 2.
