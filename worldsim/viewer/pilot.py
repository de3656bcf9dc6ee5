"""A policy at the controller, in a person's place."""

from typing import Any

from worldsim.data.environments import to_vector
from worldsim.errors import UserError
from worldsim.viewer.config import Config
from worldsim.viewer.worlds import World

DEFAULT = "explorer"


class Pilot:
    """A policy as `worldsim record` names them, told of every new start.

    Raises:
        UserError: no such policy, or options it does not take.
    """

    def __init__(self, config: Config) -> None:
        from worldsim.data import record

        self.name = config.policy or DEFAULT
        self._policy = record.make_policy(
            record.Config(policy=self.name, policy_options=dict(config.policy_options))
        )
        self._start: object = None

    def action(self, world: World) -> Any:
        """What the policy does on seeing the world now.

        Raises:
            UserError: it fails here, or answers with something that is no action.
        """
        try:
            if self._start is not world.start_id:
                self._policy.reset(world.seed + len(world.past), world.env, world.info)
                self._start = world.start_id
            action = self._policy.act(world.observation, world.info)
            to_vector(world.env.action_space, action)
        except UserError:
            raise
        except Exception as error:  # anybody's policy may fail in any way
            raise UserError(
                f"policy {self.name} fails in {world.name}: {type(error).__name__}: {error}"
            ) from error
        return action
