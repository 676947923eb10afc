/** The live system and what cannot be undone, as people write of them in the languages of Europe. Plain data. */
import { ARTS, beside, terms } from './hard-stop-context.ts'
import type { HardStopTerm } from './hard-stop-term.ts'

/** The running system fails those who use it. */
export const PRODUCTION_SPEECH: readonly HardStopTerm[] = [
  ...terms(`
    incident bridge, status page updated, major incident, major outage, service outage, sev2, sev 1, sev 2, p1 incident, p0 incident, priority one incident, all hands on deck, error budget exhausted,
    großstörung*, totalausfall*, systemausfall*, serverausfall*, live-system*, livesystem*, incident majeur, panne majeure, panne générale, incidente grave, incidente mayor, incidente crítico, caída del sistema, caída del servicio,
    incidente critico, sistema di produzione, sistema em produção, sistema de produção, sistema de producción, base de datos de producción, base de dados de produção, base de données de production, produktionsdatenbank*, produktionsserver*,
    productiedatabase*, productieomgeving, awaria produkcyjna
  `),
  beside(
    `site, website, web site, web shop, webshop, shop, service, app, application, system, server, servers, api, checkout, platform, portal, payments, payment page, login page, booking, everything, store front, storefront, live system, live site`,
    `is down, are down, went down, goes down, down for, been down, is offline, went offline, unreachable, not reachable, completely unavailable, down since, down again, returns 500, returns 502, returns 503, answers with errors, crashed for, not responding for, outage`,
    `localhost, staging, my test, test server, dev server, sandbox, road, street, analysts, shares, quarter, unit test*, mock*`,
  ),
  beside(
    `customers, all customers, clients, all users, every user, users, orders, revenue, everyone, payments, checkout, sales, bookings`,
    `cannot pay, can't pay, cannot order, can't order, cannot check out, cannot log in, can't log in, losing orders, losing money, losing revenue, lose orders, losing customers, do not go through, don't go through, not going through, are failing, is failing, get errors,
    getting errors, see errors, seeing errors, cannot reach, can't reach, are affected, unable to pay, unable to order, unable to check out, timing out, every minute, per minute costs`,
    `test, tests, staging, analysts, quarter, mock*`,
  ),
  beside(
    `prod, prod-*, prod_*, production`,
    `connected to, running the fix, hotfix, fix script, on call, restore, restored, failing, is down, all hands, data is missing, data missing, alarm, alert, sev*, 5xx, error rate, latency, cpu, out of memory, oom*, disk full, paged, console`,
    `building, build, built, bundl*, mode, node_env, compiled, install, dependencies, oil, factory, crop*, wheat, cheese, line, steel, ${ARTS}`,
  ),
  beside(
    `shop, webshop, onlineshop, live-system, system, systeme, server, webseite, website, seite, portal, kasse, bezahlung, produktion, plattform, dienst, app, anwendung, datenbank`,
    `ausgefallen, ausfall, großstörung, störung, steht still, stehen still, liegt lahm, lahmgelegt, nicht erreichbar, offline, antwortet nicht, antworten nicht, zusammengebrochen, kein kunde kann, keine kundin kann, kunden können nicht, kunden können nichts,
    alle kunden, ist down, komplett weg`,
    `sendungsverfolgung, test, testserver, lokal*, zug, bahn, straße`,
  ),
  beside(
    `site, service, serveur*, système, boutique, paiement*, production, plateforme, application, portail`,
    `en panne, hors service, indisponible pour, inaccessible*, tombé*, ne répond*, tous les clients, échouent, est down, plus aucun client, incident majeur, hors ligne`,
    `film, vin, fromage, ascenseur, train`,
  ),
  beside(
    `sitio, web, página, servicio, servidor*, sistema, tienda, pago*, producción, plataforma, aplicación, portal`,
    `caíd*, se cayó, se ha caído, fuera de servicio, fuera de línea, no responde*, todos los clientes, ningún cliente, incidente grave, no se procesan, inaccesible*, fallan, está fallando`,
    `aceite, película, vino, queso, avión, metro`,
  ),
  beside(
    `sito, servizio, server, sistema, negozio online, pagamenti, produzione, piattaforma, portale`,
    `fuori servizio, non raggiungibile, non risponde, non rispondono, irraggiungibile, tutti i clienti, nessun cliente, è giù, bloccato per tutti, offline`,
    `olio, film, vino, ascensore, treno`,
  ),
  beside(
    `site, serviço, servidor*, sistema, loja, pagamento*, produção, plataforma, portal`,
    `fora do ar, caiu, caíram, não responde*, indisponível para, todos os clientes, nenhum cliente, em baixo, inacessível, falham`,
    `azeite, filme, vinho, avião, metrô`,
  ),
  beside(
    `site, website, webshop, dienst, server*, systeem, productie, platform, portaal, betalingen`,
    `ligt plat, plat, ligt eruit, storing, onbereikbaar, alle klanten, geen enkele klant, werkt niet meer, offline, uitgevallen`,
    `kaas, film, trein, lift`,
  ),
  // Nobody can do what the business lives on.
  beside(
    `nobody can, no one can, no customer can, customers can't, customers cannot, guests cannot, users cannot, users can't, nobody is able`,
    `order, place an order, pay, book, buy, check out, log in, sign in, reach, use, shop`,
  ),
  beside(
    `niemand, keiner, kein kunde, keine kundin, kunden können, personne ne, aucun client, plus personne, nadie, ningún cliente, los clientes no, nessuno, nessun cliente, i clienti non, ninguém, nenhum cliente, os clientes não, niemand, geen klant, klanten kunnen, nikt nie, ingen kan`,
    `bezahlen, bestellen, kaufen, buchen, zahlen, einloggen, payer, commander, acheter, réserver, comprar, pagar, pedir, reservar, entrar, pagare, comprare, ordinare, prenotare, encomendar, betalen, kopen, boeken, zapłacić, kupić, zamówić, betale, bestille, betala`,
  ),
  beside(
    `unavailable, broken, not working, has stopped, stopped working, crashed, hangs, returns 502, returns 503, returns 500`,
    `for an hour, for hours, all customers, all users, everyone, every customer, guests, on-call, since the last release, since this morning`,
    `my phone, screen, remote control, toy, lamp, kettle, flight, aircraft, airline*, runway, airport, car, train`,
  ),
  beside(
    `prod, production, produktion, production primary, prod primary, prod database, live deployment`,
    `primary, replica, replication lag, psql, mysql, kubectl, update accounts, update users, roll back, rolled back, abgestürzt, crashed, firing, alert, läuft voll, gehen verloren, plantado`,
    `building, build, built, mode, node_env, compiled, oil, cheese, show, ${ARTS}`,
  ),
  beside(
    `web, webseite, website, site, sito, página, boutique en ligne, loja, shop, webshop`,
    `no funciona, funktioniert nicht mehr, raggiungibile, nadie puede, niemand kann, personne ne peut, depuis ce matin, seit einer stunde, desde hace, da stamattina, desde esta manhã, sinds vanochtend`,
    `zug, lampe, lámpara, spinne`,
  ),
]

/** Things that nobody brings back: accounts and data erased, money sent, a version given to everybody. */
export const IRREVERSIBLE_SPEECH: readonly HardStopTerm[] = [
  ...terms(`
    right to be forgotten, recht auf vergessenwerden, droit à l'oubli, derecho al olvido, diritto all'oblio, ship it to everyone, wipe the disk, wipe the drive, wipe the server, format the disk, format the drive, factory reset the server, supprimez définitivement, supprimer définitivement
  `),
  beside(
    `delete, deletes, erase, remove, wipe, purge, terminate, close my, close our, close the account`,
    `my account, our account, my profile, my data, all my data, all data, my personal data, everything you have, all records, all users, all customers, whole workspace, entire workspace, all files, all backups, user's account, this customer, permanently`,
    `test, tests, temporary, cache, cookies, cookie, browser, tab, unused, whitespace, comma`,
  ),
  beside(
    `send, transfer, wire, pay out, payout, remit, refund`,
    `the money, the funds, the payment now, the full amount, to the new account, new supplier account, new bank account, new iban, this iban, wire the amount, all refunds, every customer, bitcoin wallet`,
    `how do i, how long, when will, where is, gas, headquarters`,
  ),
  beside(
    `roll out, rollout, release, ship, push, deploy, publish, enable`,
    `to everyone, to everybody, to all users, to all customers, for everyone, for all users, for all customers, 100 percent of users, to the app store, worldwide now`,
    `press release, statement, film, album, is the app, when`,
  ),
  beside(
    `löschen, löscht, lösche, löschung, gelöscht, entfernen, vernichten, tilgen`,
    `konto, kundenkonto, benutzerkonto, account, profil, daten, datenbank, alle daten, datensätze, unterlagen, archiv, sicherung*, sicherungen, postfach, ordner, verzeichnis, festplatte, projekt, endgültig, unwiderruflich, mandant*`,
    `brand, feuer, feuerwehr, durst, cookies, cache, browserverlauf, warenkorb, temporäre`,
  ),
  beside(
    `überweisen, überweise, überweist, auszahlen, anweisen`,
    `bitte, sofort, neue konto, neues konto, neuen konto, betrag, umgehend, heute noch`,
    `wann, schon, bereits, rechnung bekommen, kann ich, wie`,
  ),
  beside(
    `supprimez, supprimer, supprime, suppression, effacer, effacez, détruire, purger`,
    `compte, données, base, fichiers, profil, dossiers, sauvegarde*, historique, table, clients, définitivement, tout, toutes, utilisateur*`,
    `cookies, cache, panier, virgule, espace`,
  ),
  beside(`virez, virer, virement`, `immédiatement, nouveau compte, urgent, tout de suite, nouvel iban`),
  beside(
    `eliminar, elimine, eliminen, elimina, eliminad, borrar, borre, borren, borra, borrad, suprimir, dar de baja`,
    `cuenta, datos, registros, base, archivos, usuario*, perfil, historial, copias, clientes, definitiva, definitivamente, todo, todos, todas, tabla*`,
    `cookies, caché, carrito, coma, espacio, mancha*`,
  ),
  beside(
    `cancellate, cancellare, cancella, eliminate, eliminare, elimina, distruggere`,
    `account, dati, database, archivio, file, profilo, utenti, definitivamente, tutti, tutto, backup, clienti`,
    `cookie, cache, carrello, virgola, ordine, prenotazione`,
  ),
  beside(
    `apagar, apague, apaguem, excluir, exclua, excluam, eliminar, elimine, eliminem, deletar`,
    `conta, dados, registros, registos, base, arquivos, ficheiros, perfil, histórico, definitivamente, tudo, todos, todas, clientes, usuário*, utilizador*`,
    `cookies, cache, carrinho, incêndio, luz, vírgula`,
  ),
  beside(
    `verwijder, verwijderen, verwijdert, wis, wissen, vernietig*`,
    `account, gegevens, database, bestanden, profiel, alles, alle, back-ups, klanten, definitief, permanent`,
    `cookies, cache, winkelwagen, vlek*`,
  ),
  beside(
    `usuń, usunąć, usunięcie, proszę usunąć, radera, slett, slet, slette, smazat, smažte, șterge, ștergeți, удалите, удалить, удали`,
    `konto, kontot, kontoen, konta, dane, danych, moje dane, bazę, data, uppgifter, personuppgifter, opplysninger, oplysninger, účet, údaje, contul, datele, аккаунт, учетную запись, данные, все, всё, базу, wszystkie, alla, alle, všechna`,
    `cookies, cache`,
  ),
  ...['*アカウントを削除*', '*データを削除*', '*删除账户*', '*删除账号*', '*删除我的*', '*删除所有*', '*계정삭제*'],
  ...terms(`
    s3 rb, s3 rm, git clean -f*, git clean -df*, git clean -xdf, git reset --hard, shred -*, flushdb, group delete, projects delete, instances delete, clusters delete, kubectl delete, helm uninstall, helm delete,
    uninstall --purge, remove-item -recurse, diskpart clean, dd if, drop index, drop user, drop role, drop keyspace, revoke the old, drop * cascade, prune -a, prune --all, push origin --delete, push --mirror
  `),
  beside(
    `pay, approve, authorise, authorize, release, settle`,
    `the invoice of, the invoice now, right away, immediately, i approve, the transfer of, the payout`,
    `attention, when can, how can, film, statement`,
  ),
  beside(
    `revoke, revoking, invalidate, retire`,
    `certificate*, root, keys, key, tokens, all sessions, old root, license*`,
  ),
  beside(
    `push, send, publish, apply, roll out, switch`,
    `to all shops, to all stores, to all devices, to all clients, to all servers, to every customer, to all subscribers, to the whole list, price change`,
  ),
  beside(
    `lösche, löschen, leeren, leere, vider, videz, vaciar, vacía, svuotare, svuota, esvaziar, limpar, leegmaken, wyczyść, tirar`,
    `tabelle, datenbank, table, base, tabla, base de datos, tabella, tabela, banco de dados, tabel, backup*, sicherung*, sauvegarde*, copias de seguridad`,
    `papierkorb, waschmaschine, poubelle, cache`,
  ),
  beside(
    `ausrollen, deployen, einspielen, veröffentlichen, déployer, déployez, déploie, desplegar, despliega*, despliegue*, rilasciare, rilascia, implantar, implante, publicar, uitrollen, wdroż`,
    `produktion, prod, allen kunden, alle kunden, production, tous les clients, producción, todos los clientes, produzione, tutti i clienti, produção, todos os clientes, productie, alle klanten, produkcję, live`,
  ),
  beside(
    `entfernen, entferne, tilgen, vernichten`,
    `meine daten, aus ihrem system, aus eurem system, alle einträge, mich und, nutzer, benutzer, kunden`,
    `flecken, fleck, deckel`,
  ),
]
