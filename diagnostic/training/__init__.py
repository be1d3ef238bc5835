"""Small backbones trained on a user's frames, resumable, with a record of what was done.

Enters: frames, an architecture and its arguments. Leaves: a ``.safetensors`` file that ``backbones`` loads.
"""
