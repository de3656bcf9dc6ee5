"""Policies and reinforcement learning; environments are reached only through Gymnasium ids."""
