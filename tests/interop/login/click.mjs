// A browser without a window: opens the address of a login, presses "Allow", and waits until the program has its code.
import { chromium } from 'playwright-core';

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
const page = await browser.newPage();
await page.goto(process.argv[2]);
await page.getByRole('button', { name: 'Allow' }).click();
await page.getByText('You can close this window').waitFor();
await browser.close();
