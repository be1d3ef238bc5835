"""Audit a backbone, fitting nothing: what its layers carry, and how fine they take in one direction; a minute.

Replace the two names by your own. `ceilings audit MODEL STRUCTURES --out DIR` does the same, adds readouts, and writes a report.
"""

from spectral_ceilings.diagnostic import AuditSettings, audit, irrep, load_backbone, read_frames

settings = AuditSettings(
    parts=("features", "directions"),
    l_top=5,  # highest degree in the neighbour's direction
    untrained=False,  # True: the same architecture with random weights beside it
)
result = audit(read_frames("aspirin-xtb"), load_backbone("aspirin-xtb-l2"), settings)

print("share of the power by irrep")
for layer in result["model"]["layers"]:
    rows = [row for row in result["features"] if row["layer"] == layer["name"]]
    print(f"  {layer['name']}: " + ", ".join(f"{irrep(row)} {row['share']:.3f}" for row in rows))

moving = result["moving"]
print(f"bandwidth as atom {moving['neighbour']} moves around atom {moving['centre']}")
for row in result["directions"]:
    if row["total"] > 0:
        bound = "no bound" if row["predicted"] is None else f"theory {row['predicted']}"
        measured = f"at least {row['measured']}" if row["open"] else str(row["measured"])
        print(f"  {row['graph']} graph, {row['quantity']} {irrep(row)}: {bound}, measured {measured}")

# Output:
# share of the power by irrep
#   layer0: 0e 0.234, 1o 0.214, 2e 0.552
#   layer1: 0e 0.344, 1o 0.288, 1e 0.000, 2o 0.000, 2e 0.367
#   layer2: 0e 1.000
# bandwidth as atom 10 moves around atom 11
#   star graph, layer0 0e: theory 0, measured 0
#   star graph, layer0 1o: theory 1, measured 1
#   star graph, layer0 2e: theory 2, measured 2
#   star graph, layer1 0e: theory 0, measured 0
#   star graph, layer1 1o: theory 1, measured 1
#   star graph, layer1 2e: theory 2, measured 2
#   star graph, layer2 0e: no bound, measured at least 5
#   star graph, energy : no bound, measured at least 5
#   star graph, forces : no bound, measured at least 5
#   full graph, layer0 0e: theory 0, measured 0
#   full graph, layer0 1o: theory 1, measured 1
#   full graph, layer0 2e: theory 2, measured 2
#   full graph, layer1 0e: no bound, measured at least 5
#   full graph, layer1 1o: no bound, measured at least 5
#   full graph, layer1 1e: no bound, measured at least 5
#   full graph, layer1 2o: no bound, measured at least 5
#   full graph, layer1 2e: no bound, measured at least 5
#   full graph, layer2 0e: no bound, measured at least 5
#   full graph, energy : no bound, measured at least 5
#   full graph, forces : no bound, measured at least 5
