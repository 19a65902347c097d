# Databricks notebook source
dbutils.widgets.text("who", "x")
dbutils.notebook.exit("hi " + dbutils.widgets.get("who"))
