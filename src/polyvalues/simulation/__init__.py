"""Simulations with known answers: do intervals cover, do tests keep their level, how many pairs are enough?"""
