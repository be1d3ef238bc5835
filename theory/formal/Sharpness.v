(* Sharpness: Re (x + iy)^l is in A_l and in no A_n with n < l; so A_dL is reached by polynomials of degree d in the
   features of l <= L, nothing above it is, and no other A_n is their span.

   On the circle x = (1-t^2)/(1+t^2), y = 2t/(1+t^2), z = 0 a polynomial of degree < l, times (1+t^2)^l, is a polynomial in t
   that 1+t^2 divides; Re (x+iy)^l, times (1+t^2)^l, is a nonzero constant modulo 1+t^2. *)
From Coq Require Import Ring.
From mathcomp Require Import all_ssreflect all_algebra.
From SsrMultinomials Require Import mpoly.
From Ceilings Require Import Sphere Span.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* The identities behind the recursion, by Coq's own `ring` over an abstract commutative ring. *)
Module Identities.
Section Ring.
Variables (T : Type) (zero one : T) (add mul sub : T -> T -> T) (opp : T -> T).
Hypothesis laws : ring_theory zero one add mul sub opp (@eq T).
Add Ring laws_ring : laws.
Local Notation "0" := zero. Local Notation "1" := one.
Local Infix "+" := add. Local Infix "*" := mul. Local Infix "-" := sub.
Lemma real_step (K X u w : T) : (1 - X * X) * (K + (1 + X * X) * u) - (X + X) * (K * X + (1 + X * X) * w)
  = (1 + 1 + 1 + 1) * K + (1 + X * X) * ((1 - X * X) * u - (X + X) * w - (1 + 1 + 1) * K).
Proof. ring. Qed.
Lemma imaginary_step (K X u w : T) : (X + X) * (K + (1 + X * X) * u) + (1 - X * X) * (K * X + (1 + X * X) * w)
  = (1 + 1 + 1 + 1) * K * X + (1 + X * X) * ((X + X) * u + (1 - X * X) * w - K * X).
Proof. ring. Qed.
Lemma circle (X : T) : (1 - X * X) * (1 - X * X) + (X + X) * (X + X) = (1 + X * X) * (1 + X * X).
Proof. ring. Qed.
End Ring.
End Identities.

Lemma ring_laws (R : comRingType) : ring_theory (0 : R) 1 +%R *%R (fun x y => x - y) -%R (@eq R).
Proof.
split; [exact: add0r|exact: addrC|exact: addrA|exact: mul1r|exact: mulrC|exact: mulrA
       |exact: mulrDl|by []|exact: subrr].
Qed.
Definition real_step R := Identities.real_step (ring_laws R).
Definition imaginary_step R := Identities.imaginary_step (ring_laws R).
Definition circle R := Identities.circle (ring_laws R).

(* STATEMENT re_power: real and imaginary part of (a + ib)^l, and Re (x + iy)^l as a function of a point. *)
Fixpoint power (R : comRingType) (a b : R) l : R * R :=
  if l is k.+1 then (a * (power a b k).1 - b * (power a b k).2, b * (power a b k).1 + a * (power a b k).2)
  else (1, 0).

Definition re_power (F : comRingType) l : function F := fun v => (power (v ix) (v iy) l).1.
(* END *)

Lemma power_morphism (R S : comRingType) (f : {rmorphism R -> S}) a b n :
  f (power a b n).1 = (power (f a) (f b) n).1 /\ f (power a b n).2 = (power (f a) (f b) n).2.
Proof.
elim: n => [|n [IH1 IH2]] /=; first by rewrite rmorph1 rmorph0.
by rewrite rmorphB rmorphD !rmorphM IH1 IH2.
Qed.

Lemma power_scale (F : fieldType) (a b d : F) n : d != 0 ->
  (power (a / d) (b / d) n).1 * d ^+ n = (power a b n).1 /\ (power (a / d) (b / d) n).2 * d ^+ n = (power a b n).2.
Proof.
move=> nz; elim: n => [|n [IH1 IH2]] /=; first by rewrite expr0 mulr1 mul0r.
rewrite -IH1 -IH2 exprS mulrBl mulrDl.
have E (u v w : F) : u / d * v * (d * w) = u * (v * w) by rewrite mulrACA divfK.
by rewrite !E.
Qed.

(* As a polynomial it has degree at most l. *)
Section Reached.
Variable F : comRingType.
Definition re_poly l : {mpoly F[3]} := (power 'X_ix 'X_iy l).1.
Definition im_poly l : {mpoly F[3]} := (power 'X_ix 'X_iy l).2.

Lemma re_poly_value l v : (re_poly l).@[v] = re_power l v.
Proof.
have [-> _] := power_morphism [rmorphism of meval v] ('X_ix : {mpoly F[3]}) 'X_iy l.
by rewrite /re_power /= !mevalXU.
Qed.

Lemma degree_power l : (msize (re_poly l) <= l.+1)%N /\ (msize (im_poly l) <= l.+1)%N.
Proof.
rewrite /re_poly /im_poly; elim: l => [|l [IH1 IH2]] /=; first by rewrite msize1 msize0.
have X (i : 'I_3) (q : {mpoly F[3]}) : (msize q <= l.+1)%N -> (msize ('X_i * q)%R <= l.+2)%N.
  by move=> sq; rewrite -[l.+1]add1n degree_product // msizeX mdeg1.
by split; apply: leq_trans (msizeD_le _ _) _; rewrite ?msizeN geq_max !X.
Qed.

Lemma re_power_reached l : A l (@re_power F l).
Proof.
by exists (re_poly l); [case: (degree_power l) | move=> v _; rewrite re_poly_value].
Qed.
End Reached.

Section Sharp.
Variable F : realFieldType.
Implicit Types (p : {mpoly F[3]}) (t : F).

(* The circle: numerators N and the common denominator D = 1 + t^2. *)
Definition D : {poly F} := 1 + 'X * 'X.
Definition N (i : 'I_3) : {poly F} :=
  if val i == 0%N then 1 - 'X * 'X else if val i == 1%N then 'X + 'X else 0.

Lemma D_gt0 t : 0 < D.[t].
Proof. by rewrite /D !hornerE ltr_spaddl ?ltr01 // -expr2 sqr_ge0. Qed.
Lemma D_neq0 t : D.[t] != 0. Proof. by rewrite (lt0r_neq0 (D_gt0 t)). Qed.

Definition circle_point t : point F := fun i => (N i).[t] / D.[t].

Lemma circle_on_sphere t : on_sphere (circle_point t).
Proof.
rewrite /on_sphere /circle_point !expr_div_n horner0 expr0n mul0r addr0 -mulrDl.
have -> : (N ix).[t] ^+ 2 + (N iy).[t] ^+ 2 = D.[t] ^+ 2.
  by rewrite -!horner_exp -hornerD /N /= !expr2 circle.
by rewrite divff // expf_neq0 // D_neq0.
Qed.

(* Modulo D the real part is a nonzero constant. *)
Lemma power_mod_D l : exists2 k : F, k != 0 & exists u, (power (N ix) (N iy) l).1 = k%:P + D * u.
Proof.
case: l => [|l]; first by exists 1; rewrite ?oner_eq0 //; exists 0; rewrite /= mulr0 addr0.
suff [k k0 [u [w [E1 E2]]]] : exists2 k : F, k != 0 & exists u w,
    (power (N ix) (N iy) l.+1).1 = k%:P + D * u /\ (power (N ix) (N iy) l.+1).2 = k%:P * 'X + D * w.
  by exists k => //; exists u.
have -> : N ix = 1 - 'X * 'X by [].
have -> : N iy = 'X + 'X by [].
elim: l => [|l [k k0 [u [w [E1 E2]]]]].
  exists (1 + 1); first by rewrite lt0r_neq0 // !addr_gt0 ?ltr01.
  exists (-1), 0; rewrite /= /D !(mulr0, mulr1, subr0, addr0) polyCD polyC1; split; last by rewrite mulrDl !mul1r.
  by rewrite mulrN mulr1 opprD addrA addrK.
exists ((1 + 1 + 1 + 1) * k); first by rewrite mulf_neq0 // lt0r_neq0 // !addr_gt0 ?ltr01.
exists ((1 - 'X * 'X) * u - ('X + 'X) * w - (1 + 1 + 1) * k%:P), (('X + 'X) * u + (1 - 'X * 'X) * w - k%:P * 'X).
move: E1 E2; set c := power _ _ l.+1 => E1 E2.
have -> : power (1 - 'X * 'X) ('X + 'X) l.+2 =
   ((1 - 'X * 'X) * c.1 - ('X + 'X) * c.2, ('X + 'X) * c.1 + (1 - 'X * 'X) * c.2) by [].
rewrite E1 E2 polyCM !polyCD polyC1 /D; split; [exact: real_step|exact: imaginary_step].
Qed.

(* Two polynomials in t that agree on all of F are equal, because F is infinite. *)
Lemma poly_agree (p q : {poly F}) : (forall t, p.[t] = q.[t]) -> p = q.
Proof.
move=> E; apply/eqP; rewrite -subr_eq0; apply/eqP.
apply: (@roots_geq_poly_eq0 _ _ [seq k%:R | k <- iota 0 (size (p - q))]).
- by apply/allP => x _; rewrite /root !hornerE E subrr.
- by rewrite map_inj_uniq ?iota_uniq // => m n /eqP; rewrite eqr_nat => /eqP.
- by rewrite size_map size_iota.
Qed.

Lemma D_divides_no_constant (k : F) (w : {poly F}) : k != 0 -> k%:P <> D * w.
Proof.
move=> k0 E.
have sD : size D = 3%N by rewrite /D addrC -expr2 size_addl size_polyXn // size_poly1.
have w0 : w != 0 by apply: contra_eq_neq E => ->; rewrite mulr0 polyC_eq0.
have D0 : D != 0 by rewrite -size_poly_eq0 sD.
move/(congr1 (fun q : {poly F} => size q)): E; rewrite size_polyC k0 size_mul // sD.
by case: (size w) (size_poly_eq0 w) w0 => [|n] //= <-.
Qed.

Lemma re_power_not_below l p : (msize p <= l)%N -> ~ agree (fun v => p.@[v]) (re_power l).
Proof.
move=> deg same_values.
pose q := \sum_(m <- msupp p) p@_m *: ((\prod_i N i ^+ m i) * D ^+ (l.-1 - mdeg m)).
have [k k0 [u E]] := power_mod_D l.
have key : (power (N ix) (N iy) l).1 = D * q.
  apply: poly_agree => t.
  have [Ev _] := power_morphism [rmorphism of horner_eval t] (N ix) (N iy) l.
  have -> : (power (N ix) (N iy) l).1.[t] = (power (N ix).[t] (N iy).[t] l).1 by exact: Ev.
  have [<- _] := power_scale (N ix).[t] (N iy).[t] l (D_neq0 t).
  rewrite -[(power _ _ l).1]/(re_power l (circle_point t)) -(same_values _ (circle_on_sphere t)).
  rewrite mevalE mulr_suml hornerM /q horner_sum mulr_sumr.
  apply: eq_big_seq => m mp.
  have lt : (mdeg m < l)%N by apply: leq_trans deg; apply: msize_mdeg_lt.
  rewrite hornerZ hornerM horner_exp horner_prod.
  have -> : \prod_i circle_point t i ^+ m i = (\prod_i (N i ^+ m i).[t]) / D.[t] ^+ mdeg m.
    rewrite mdegE -prodrXr -prodf_div; apply: eq_bigr => i _.
    by rewrite /circle_point expr_div_n horner_exp.
  have e : (mdeg m + (l.-1 - mdeg m).+1)%N = l by case: (l) lt => // l' lt'; rewrite addnS subnKC.
  rewrite -[X in _ * D.[t] ^+ X]e exprD exprS.
  rewrite -[in LHS]mulrA [RHS]mulrCA; congr (_ * _).
  by rewrite mulrA divfK ?expf_neq0 ?D_neq0 // mulrCA.
apply: (@D_divides_no_constant k (q - u) k0).
by rewrite mulrBr -key E addrK.
Qed.

(* STATEMENT sharpness: Re (x + iy)^l is in A_n exactly if l <= n. *)
Theorem sharpness l n : A n (@re_power F l) <-> (l <= n)%N.
(* END *)
Proof.
split=> [[p sp ep]|ln]; last exact: A_grows ln (re_power_reached _ _).
rewrite leqNgt; apply/negP => nl; apply: (re_power_not_below (leq_trans sp nl)).
exact: agree_sym.
Qed.

(* STATEMENT ceiling: polynomials of degree <= d in the features of l <= L reach Re (x + iy)^l exactly if l <= dL. *)
Theorem ceiling L d l : P L d (@re_power F l) <-> (l <= d * L)%N.
(* END *)
Proof.
by split=> [/span_theorem/sharpness|le] //; apply/span_theorem/sharpness.
Qed.

(* STATEMENT only_ceiling: their span is A_n for n = dL and for no other n. *)
Theorem only_ceiling L d n : same (P L d) (@A F n) <-> n = (d * L)%N.
(* END *)
Proof.
split=> [S|->]; last exact: span_theorem.
apply/eqP; rewrite eqn_leq; apply/andP; split; apply/sharpness.
  by apply/span_theorem/S/sharpness.
by apply/S/span_theorem/sharpness.
Qed.

(* STATEMENT not_below: the span is not A_(dL-1). *)
Theorem not_below L d : (0 < d * L)%N -> ~ same (P L d) (@A F (d * L).-1).
(* END *)
Proof. by move=> pos /only_ceiling e; move: (ltn_predL (d * L)); rewrite e ltnn pos. Qed.

(* STATEMENT not_above: nor does it contain A_(dL+1). *)
Theorem not_above L d : ~ (forall f, @A F (d * L).+1 f -> P L d f).
(* END *)
Proof. by move/(_ (re_power (d * L).+1)); rewrite ceiling sharpness ltnn => /(_ (leqnn _)). Qed.
End Sharp.
