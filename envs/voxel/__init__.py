"""The exact world: a deterministic Minecraft-style voxel game in numpy and numba.

`blocks` and `textures` say what there is, `generate` makes the land, `world` keeps it, `physics`
moves the player, `game` is one tick of all rules, `render` and `hud` draw, `env` is the Gymnasium
face and `tasks` its variants. Nothing here knows of torch.
"""
